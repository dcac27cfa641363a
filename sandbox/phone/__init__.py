"""The customer's side: a phone that dials, an IVR that speaks, and the messenger after the call."""
