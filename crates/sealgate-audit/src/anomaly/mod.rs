//! What should worry somebody: rules, which are data, and the judgement by them.
