"""Mistakes put right (异议、信用修复): a citizen says that a record is wrong or missing, and its source must answer.

Words: an *objection* (异议) is a ticket about one record, or about one that is not there; its *number* is what people
read out on the phone; its *finding* is what the source found in its own register. Deciding what follows from a
finding, repairs and commitments belong here and are not built yet.

Promises: a ticket has a day by which the source must have answered, counted in working days, and everybody sees when
that day is over. It changes no record and no score. A record has at most one open ticket. Every official who reads what
a citizen wrote is in that citizen's access log. When a citizen leaves, their tickets are deleted.
"""
