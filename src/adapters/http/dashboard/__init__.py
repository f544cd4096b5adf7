"""The dashboard: pages for the people of a workspace. docs/dashboard.md tells how a page is added."""
