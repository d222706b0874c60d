"""Questions that are asked and played: one a module, a question in and a frozen result out."""
