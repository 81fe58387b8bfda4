//! What gates report of their decisions: the record, batches of them, and their form on the wire.
