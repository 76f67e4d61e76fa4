"""The look of Data Docs pages.

Great Expectations 1.24 pages draw their styles, icons and scripts from nine hosts on the internet:
on a plant network they come out bare, and each look at one would tell those hosts. The style below
replaces them; it speaks to the same Bootstrap class names.
"""

from __future__ import annotations

# Nothing is loaded and no script runs, whatever a page or the data in it says.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

STYLE = """
:root { --line: #d5dbe1; --soft: #f3f5f8; --text: #1d2733; --good: #1a7f4b; --bad: #c02b2b; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--text); background: #fff; font: 15px/1.45 system-ui, sans-serif; }
a { color: #1f5fbf; text-decoration: none; } a:hover { text-decoration: underline; }
h1, h2, h3, h4, h5, h6 { margin: 0 0 .5rem; line-height: 1.2; }
h1 { font-size: 1.5rem; } h4 { font-size: 1.15rem; } h5 { font-size: 1.05rem; }
p { margin: 0 0 .5rem; } ul { list-style: none; margin: 0; padding: 0; }
header { padding: 1rem 1.5rem; background: var(--soft); border-bottom: 1px solid var(--line); }
header table { margin-top: .5rem; background: #fff; }
table { border-collapse: collapse; } .table { width: 100%; margin-bottom: 1rem; }
th, td { padding: .4rem .6rem; border: 1px solid var(--line); text-align: left;
  vertical-align: top; overflow-wrap: anywhere; }
th { background: var(--soft); white-space: nowrap; }
.container-fluid { padding: 1rem 1.5rem; } .container-fluid .container-fluid { padding: 0; }
.container-fluid > .row { display: flex; gap: 2rem; } .ge-section .row { display: block; }
.col-lg-2 { flex: 0 0 13rem; } .col-md-10 { flex: 1 1 0; min-width: 0; }
.sticky { position: sticky; top: 1rem; } .sticky > .card:first-of-type { display: none; }
.card-body { overflow: auto; max-height: 80vh; } .nav-link { display: block; padding: .1rem 0; }
.ge-section { margin-bottom: 1.25rem; } .alert { padding: .4rem .7rem; background: var(--soft);
  border-left: 4px solid #7a8899; margin-bottom: .4rem; }
.alert h5, .alert p { margin: 0; }
.badge { padding: 0 .35rem; border-radius: .25rem; background: #e4e9ef; font-family: monospace; }
.collapse:not(:target) { display: none; } .cooltip .top { display: none; }
.show-scrollbars { overflow: auto; max-height: 24rem; }
.text-success, .good { color: var(--good); } .text-danger, .bad { color: var(--bad); }
.text-warning { color: #a86a00; }
.fa-check::before, .fa-check-circle::before { content: "\\2714"; font-style: normal; }
.fa-times::before, .fa-times-circle::before { content: "\\2718"; font-style: normal; }
.fa-exclamation-triangle::before { content: "\\26A0"; font-style: normal; }
nav.navbar.sticky-top, footer { display: none; }
@media (max-width: 800px) { .container-fluid > .row { display: block; } }
"""
