// SPDX-License-Identifier: GPL-2.0-only
/* How the report looks. tests/html_report.py computes the contrast of these colours: keep the names. */
#include "core/text_safe.h"
#include "sink/html_parts.h"

#include <string.h>

static const char style[] =
	":root{--page:#f4f6f9;--card:#ffffff;--text:#1b2430;--soft:#4f5b6b;--line:#d5dbe3;--good:#2a6fb0;"
	"--lost:#c2410c;--here:#7b3fb5;--other:#66707d;--band:#fde3d3;--link:#1d5f9e;--ok:#1c6b3c;color-scheme:light}\n"
	"@media screen and (prefers-color-scheme:dark){:root{--page:#11161d;--card:#1a212b;--text:#e7edf4;"
	"--soft:#a9b5c3;--line:#34404f;--good:#62a9e8;--lost:#ff9257;--here:#c79bf2;--other:#97a3b1;--band:#4a2d1c;"
	"--link:#86c0f5;--ok:#7fd3a0;color-scheme:dark}}\n"
	"*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--text);"
	"font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
	"main{max-width:1080px;margin:0 auto;padding:32px 20px 64px}\n"
	"h1{font-size:1.75rem;line-height:1.25;margin:.2em 0 .35em;text-wrap:balance}"
	"h2{font-size:1.2rem;margin:0 0 .6em}h3{font-size:1.02rem;margin:0 0 .3em}p{margin:.5em 0}\n"
	".kicker{color:var(--soft);font-size:.85rem;letter-spacing:.06em;text-transform:uppercase;margin:0}"
	".soft,.note{color:var(--soft)}.meta{color:var(--soft);font-size:.9rem}\n"
	"section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:22px 24px;margin:18px 0}\n"
	".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0 4px}"
	".card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 18px;border-top-width:4px}"
	".card b{display:block;font-size:1.7rem;line-height:1.2;font-variant-numeric:tabular-nums}.card span{color:var(--soft);"
	"font-size:.88rem}.card.good{border-top-color:var(--good)}.card.lost{border-top-color:var(--lost)}"
	".card.here{border-top-color:var(--here)}.card.other{border-top-color:var(--other)}\n"
	".scroll{overflow-x:auto}svg{display:block;width:100%;min-width:720px;height:auto}"
	"svg text{fill:var(--text);font-size:12.5px}svg .note,svg .tick{fill:var(--soft);font-size:11.5px}"
	"svg .tick{text-anchor:middle}svg .bandname{fill:var(--lost);font-size:11.5px;font-weight:600}\n"
	".grid{stroke:var(--line);stroke-width:1}.base{stroke:var(--soft);stroke-width:1}"
	"rect.good{fill:var(--good)}rect.lost{fill:var(--lost)}rect.here{fill:var(--here)}rect.other{fill:var(--other)}"
	"rect.band{fill:var(--band)}path.out,path.in{fill:none;stroke-width:1.8;stroke:var(--link)}"
	"path.in{stroke:var(--other);stroke-dasharray:5 3}\n"
	".legend{display:flex;flex-wrap:wrap;gap:6px 20px;font-size:.88rem;color:var(--soft);margin:10px 0 0;padding:0;"
	"list-style:none}.legend i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:7px;"
	"vertical-align:-1px}.legend i.out,.legend i.in{width:22px;height:0;border-radius:0;border-top:2px solid var(--link);"
	"vertical-align:4px}.legend i.in{border-top:2px dashed var(--other)}\n"
	"table{border-collapse:collapse;width:100%;font-size:.89rem;font-variant-numeric:tabular-nums}"
	"th{font-weight:600;color:var(--soft);text-align:left;white-space:nowrap}td,th{padding:7px 10px;border-bottom:1px "
	"solid var(--line);vertical-align:top}tr:last-child td{border-bottom:0}td.n,th.n{text-align:right;white-space:nowrap}"
	"td.mono,code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,'DejaVu Sans Mono',monospace}td.mono{font-size:.85rem;"
	"overflow-wrap:anywhere}td.t{white-space:nowrap}.bad{color:var(--lost);font-weight:600}.fine{color:var(--ok)}\n"
	".diagnosis{border-left:4px solid var(--lost);padding:2px 0 2px 18px;margin:18px 0}.diagnosis ul{margin:.5em 0;padding:0;"
	"list-style:none}.diagnosis li{padding-left:26px;position:relative;margin:3px 0}.diagnosis li::before{position:absolute;"
	"left:2px;font-weight:700;color:var(--soft)}li.for::before{content:'+'}li.against::before{content:'\\2212'}"
	"li.open::before{content:'?'}.tag{display:inline-block;border:1px solid var(--line);border-radius:99px;padding:0 10px;"
	"font-size:.8rem;color:var(--soft);margin-left:8px;font-weight:400}.do{margin-top:.7em}\n"
	"pre{background:var(--page);border:1px solid var(--line);border-radius:8px;padding:14px 16px;overflow-x:auto;"
	"font-size:.84rem;line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere}\n"
	"dl{display:grid;grid-template-columns:minmax(130px,max-content) 1fr;gap:6px 18px;margin:0}dt{color:var(--soft)}dd{margin:0;"
	"overflow-wrap:anywhere}@media(max-width:560px){dl{display:block}dd{margin:0 0 8px}}\n"
	"@media print{body{background:#fff;font-size:11pt}main{max-width:none;padding:0}section,.card{break-inside:avoid;"
	"border-color:#bbb}.scroll{overflow:visible}svg{min-width:0}rect{-webkit-print-color-adjust:exact;"
	"print-color-adjust:exact}}\n";

void html_text(FILE *out, const char *s)
{
	size_t left = strlen(s);
	char step[UW_SAFE_STEP];

	while (left) {
		size_t used = uw_safe_step(s, left, step);
		const char *p;

		for (p = step; *p; p++) {
			switch (*p) {
			case '&': fputs("&amp;", out); break;
			case '<': fputs("&lt;", out); break;
			case '>': fputs("&gt;", out); break;
			case '"': fputs("&quot;", out); break;
			case '\'': fputs("&#39;", out); break;
			default: fputc(*p, out);
			}
		}
		s += used;
		left -= used;
	}
}

void html_time(const struct uw_html *h, uint64_t when_ns, bool date)
{
	char text[36];

	if (!when_ns) {
		fputs("not known", h->out);
		return;
	}
	uw_clock_rfc3339(uw_clock_wall(h->clock, when_ns), text, sizeof(text));
	text[10] = '\0';
	text[23] = '\0'; /* milliseconds */
	if (date)
		fprintf(h->out, "%s ", text);
	fputs(text + 11, h->out);
}

void html_head(FILE *out)
{
	fprintf(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
		     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		     "<meta name=\"referrer\" content=\"no-referrer\">\n<title>NTP and DNS over UDP: what was lost, and where"
		     "</title>\n<style>\n%s</style></head>\n<body><main>\n", style);
}

void html_foot(FILE *out)
{
	fputs("<p class=\"meta\">Written by udpwhy " UW_VERSION ". This file is complete in itself: it runs no script and"
	      " loads nothing.</p>\n</main></body></html>\n", out);
}
