"""A town of people who are not real (惠信市, which does not exist): citizens, institutions, and departments' files.

``people`` live there: names, records and consents, of a seed always the same, moved in by COPY. ``places`` are the
institutions with their stores, staff and campaigns, made by the real actions. ``feed`` writes the files departments
send about these people. ``city`` puts all of it together. The demo plays in it; load tests measure on it.

Words: a *block* is a thousand people made together; a *feed* is a department's file about them; a *place* is an
institution with its stores, terminals and benefits.

Promises: nobody here is real, because no ID number's area code is assigned to any place. The same seed makes the same
people, on one day with the same records. They are scored by the real engine; institutions, officials and campaigns come
about by the real actions, so that maker and checker are two and the audit chain holds.
"""
