"""The Cloud API as the product sees it: validation, templates, media and errors in Meta's shape."""
