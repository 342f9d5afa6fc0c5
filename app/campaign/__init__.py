"""Incentive campaigns (激励活动): what institutions publish and a second official approves before it is live.

Words: a *campaign* has numbered *versions*, each a document; a document lists *benefits* (激励措施), each with an
*eligibility* (a tree of clauses) and a *grant*; a *scenario* (应用场景) is where a benefit is used and to what use.

Promises: a benefit is one of six kinds of incentive and cannot express a punishment; maker and checker are two people;
a change to a live campaign is a new version and the live one goes on until that is approved; benefit ids are stable by
(institution, code); every change is in every process within a second. The answers that an institution gets at its
tills, from all its benefits over a year, are too coarse to read a score, an age or a life from (``terms.observer``). A
scenario is proposed by one official of the centre and confirmed by another. Words of the deny-list are refused where
certain, and otherwise named one by one by the official who approves.
How much of a benefit is used belongs to redemption, which is called (``FENCES``) when limits change.
"""
