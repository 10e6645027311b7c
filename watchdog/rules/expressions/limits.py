"""How far back functions may look, in seconds."""

LONGEST_WINDOW = 86_400.0
#: Windows with an offset, and `ago`; beyond 24h they read one value in each ten minutes.
LONGEST_REACH = 15 * 86_400.0
LONGEST_DAYS = 28
