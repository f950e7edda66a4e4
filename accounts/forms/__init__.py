"""What people type on the pages of their account, a module for each kind of page."""
