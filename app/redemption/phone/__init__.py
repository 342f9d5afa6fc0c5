"""The phone (市民端): what a citizen can get, with what is missing for it, and what they used."""
