"""Calls out of a PBX's own records: Asterisk, FreeSWITCH, or any table with a header."""
