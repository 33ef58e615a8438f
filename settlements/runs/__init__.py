"""Settlement runs: by cycle and cut-off each vendor's statement is made, closed, and what it comes to is paid out."""
