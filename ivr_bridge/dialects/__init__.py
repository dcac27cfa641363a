"""Views of the one decision: each IVR reads it in the words it can parse."""
