"""Scan and redeem (扫码与核销): a terminal reads a credit code and gives a benefit exactly once.

Words: a *scan* is a code resolved by one store, good for 300 seconds; a *redemption* is one use of one benefit; a
*reversal* undoes it within the benefit's window. How much of a benefit is used lives here (``benefit_usage`` for
everybody together, ``benefit_use`` per person and period), because redeeming is what changes it; the limits are the
campaign's and are passed in. When limits come or change, the redemptions that are not reversed are counted once; from
then on every redemption and reversal keeps the count.

Promises: one store owns a code; one scan redeems a benefit once; stock and caps hold among any number of racing
requests and whenever they were set; a reversed redemption leaves its reference to the same scan; the same request under
the same Idempotency-Key gets the same answer for ever; a partner learns only what applies; every try is in the
citizen's access log, its mere repeat is not; a good code passes whatever was shown before it. Within limits, and for
two months, an operator can say why an order was refused (``refused_try``). Rules are judged in Python; integrity is
held by one SQL statement (``sql/redeem.sql``) that serves every request waiting at the same moment.
"""
