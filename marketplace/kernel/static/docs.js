const place = document.getElementById("docs");
SwaggerUIBundle({ url: place.dataset.description, domNode: place, deepLinking: true, displayRequestDuration: true, filter: true, docExpansion: "none" });
