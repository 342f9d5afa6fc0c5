"""How fast it is, as ratios to ceilings measured in the same run: ``make bench``.

Three commands, which ``make bench`` runs one after the other, write ``results/``: ``bench`` (redeeming, reading scores,
issuing codes), ``bench_growth`` (redeeming with ten million redemptions beside none) and ``bench_city`` (scores and
imports of a million citizens). A fourth, ``compare``, sets this checkout beside another one. Whatever is measured must
have been done: redemptions, records and scores are counted in their tables, and a load that left fewer is no figure.
"""
