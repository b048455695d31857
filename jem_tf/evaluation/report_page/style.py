"""The style sheet of the report: dark and light, a phone's width, paper."""

COLOURS = """
:root {
  color-scheme: light dark;
  --text: #1d2127; --page: #fff; --quiet: #606975; --line: #d5dae0; --shade: #f4f6f8;
  --link: #0b5cad; --can: #17703a; --cannot: #b3261e; --unproven: #8a5a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e4e7eb; --page: #14171b; --quiet: #9aa4b0; --line: #343b44;
    --shade: #1d2228; --link: #7db7f5; --can: #6fce8f; --cannot: #ff8f85;
    --unproven: #e5b567;
  }
  img.plot { filter: invert(1) hue-rotate(180deg); mix-blend-mode: screen; }
}
"""
TEXT = """
* { box-sizing: border-box; }
body {
  font: 15px/1.45 system-ui, sans-serif; color: var(--text); background: var(--page);
  max-width: 86rem; margin: 1.2rem auto 4rem; padding: 0 1rem;
}
h1 { font-size: 1.35rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 {
  font-size: 1.15rem; margin: 2.2rem 0 .6rem; padding-bottom: .2rem;
  border-bottom: 1px solid var(--line);
}
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
a { color: var(--link); }
small, .legend, figcaption, .better { color: var(--quiet); }
nav { display: flex; flex-wrap: wrap; gap: .3rem .9rem; margin: .6rem 0; }
pre {
  background: var(--shade); padding: .7rem; font-size: 12px; white-space: pre-wrap;
  overflow-wrap: anywhere;
}
details { margin: .4rem 0; }
.warning { color: var(--cannot); }
.legend, .missing { font-size: .85rem; margin: .4rem 0; }
:target { outline: 2px solid var(--link); outline-offset: 4px; }
"""
CARDS = """
.facts {
  list-style: none; padding: 0; margin: 0; font-size: .85rem; color: var(--quiet);
  overflow-wrap: anywhere;
}
.cards {
  display: grid; gap: .8rem; margin: .8rem 0;
  grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr));
}
article {
  border: 1px solid var(--line); border-radius: 6px; padding: .7rem .8rem;
  min-width: 0;
}
article h2 { font-size: 1rem; margin: 0 0 .5rem; border: 0; padding: 0; }
article ul { list-style: none; padding: 0; margin: .4rem 0 0; font-size: .86rem; }
article li { margin: .35rem 0; padding-left: 1.1rem; position: relative; }
article figcaption { display: none; }
article img { max-height: 11rem; object-fit: contain; object-position: left; }
.mark { position: absolute; left: 0; font-weight: 700; }
.can .mark { color: var(--can); }
.cannot .mark { color: var(--cannot); }
.unproven .mark { color: var(--unproven); }
"""
TABLES = """
.table { overflow-x: auto; max-width: 100%; margin: .5rem 0; }
table {
  border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem;
}
th, td { padding: .15rem .55rem; text-align: right; vertical-align: top; }
th { font-weight: 600; }
tbody th { font-weight: 400; }
th:first-child {
  text-align: left; position: sticky; left: 0; background: var(--page);
  max-width: 22rem; min-width: 7rem;
}
thead tr:last-child th { border-bottom: 1px solid var(--quiet); }
tbody tr:hover, tbody tr:hover th { background: var(--shade); }
.protocol th { font-weight: 400; min-width: 9rem; max-width: 15rem; }
.own th, .own td { font-weight: 600; }
td small { white-space: nowrap; }
.pictures {
  display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
}
figure { margin: 0; }
.wide { grid-column: 1 / -1; max-width: 62rem; }
.sources { font-size: .85rem; color: var(--quiet); }
figure img { display: block; max-width: 100%; height: auto; }
img.images { background: #fff; }
"""
PHONE = """
@media (max-width: 40rem) {
  body { font-size: 14px; margin-top: .6rem; padding: 0 .7rem; }
  th:first-child { max-width: 9.5rem; }
  article img { max-height: none; }
}
"""
PAPER = """
@media print {
  :root {
    color-scheme: light;
    --text: #000; --page: #fff; --quiet: #444; --line: #bbb; --shade: #f4f4f4;
    --link: #000; --can: #060; --cannot: #900; --unproven: #640;
  }
  body { font-size: 10pt; max-width: none; margin: 0; padding: 0; }
  img.plot { filter: none; mix-blend-mode: normal; }
  nav, details, li a { display: none; }
  .table { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: 1px 4px; }
  td small { white-space: normal; }
  th:first-child { position: static; max-width: 10rem; }
  .protocol th { min-width: 0; }
  tr, figure, article { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .cards, .pictures { grid-template-columns: 1fr 1fr; }
}
"""
STYLE = COLOURS + TEXT + CARDS + TABLES + PHONE + PAPER
