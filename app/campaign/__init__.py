"""Incentive campaigns (激励活动): what institutions publish and a second official approves before it is live.

Words: a *campaign* has numbered *versions*, each a document; a document lists *benefits* (激励措施), each with an
*eligibility* (a tree of clauses) and a *grant*; a *scenario* (应用场景) is where a benefit is used and to what use.

Promises: a benefit is one of six kinds of incentive and cannot express a punishment; maker and checker are two people;
a change to a live campaign is a new version and the live one goes on until that is approved; benefit ids are stable by
(institution, code); every change is in every process within a second. What an institution can tell apart at its tills,
by all its benefits over a year, never reads a score, an age or a life (``terms.observer``); a scenario is proposed by
one official of the centre and confirmed by another; words of the deny-list are refused where certain, and otherwise
acknowledged by whoever approves.
How much of a benefit is used belongs to redemption, which is asked (``FENCES``) when limits change.
"""
