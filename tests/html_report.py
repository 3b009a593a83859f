#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""udpwhy analyze -o html, held against what a page for a ticket must be: well-formed, complete in itself,
no script, hostile names harmless, colours of enough contrast in light and dark, and rendered by a real
browser where there is one. Closes with "N passed, N failed, N skipped".

    tests/html_report.py [--keep DIRECTORY] [UDPWHY]
"""

import argparse
import html.parser
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
START = 1_700_000_000.0
NTP_EPOCH = 2208988800
VOID = {"meta", "br", "hr", "img", "link", "input"}
BUSY, IDLE = 60, 10     # packets/s of other UDP, in the ten seconds before a loss and else
HOSTILE = b"<script>alert(1)</script>\xe2\x80\xae\x1b[31m&\"'"
TEXT_ON = [("--text", "--page"), ("--text", "--card"), ("--soft", "--page"), ("--soft", "--card"),
           ("--lost", "--card"), ("--ok", "--card"), ("--link", "--card"), ("--lost", "--page")]
SHAPES_ON = [(name, on) for name in ("--good", "--lost", "--here", "--other", "--link")
             for on in ("--card", "--band")]


# ---------------------------------------------------------------------------- a capture

def ip_udp(source, destination, sport, dport, payload):
    udp = struct.pack("!4H", sport, dport, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    return head + bytes(map(int, source.split("."))) + bytes(map(int, destination.split("."))) + udp


def dns_name(labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


class Capture:
    """Queries and answers of one client, with the losses that a story asks for."""

    def __init__(self):
        self.frames, self.number = [], 0

    def query(self, when, server, protocol, answered, port, name=(b"www", b"example"), rtt=0.012):
        self.number += 1
        if protocol == "ntp":
            stamp = struct.pack("!II", int(when) + NTP_EPOCH, self.number)
            ask = bytes([0x23]) + bytes(39) + stamp
            answer = bytes([0x24, 2, 6, 0xec]) + bytes(20) + stamp + stamp + stamp
        else:
            tail = struct.pack("!4H", 1, 0, 0, 0) + dns_name(name) + struct.pack("!2H", 1, 1)
            ident = struct.pack("!H", self.number & 0xffff)
            ask, answer = ident + b"\1\0" + tail, ident + b"\x81\x80" + tail
        service = 123 if protocol == "ntp" else 53
        self.frames.append((when, ip_udp("192.0.2.10", server, port, service, ask)))
        if answered:
            self.frames.append((when + rtt, ip_udp(server, "192.0.2.10", service, port, answer)))

    def bulk(self, when, rate, way_out=True):
        """A second of other UDP, and of TCP coming in."""
        here, there = ("192.0.2.10", "203.0.113.99")[::1 if way_out else -1], 51820
        for i in range(rate):
            self.frames.append((when + i / rate, ip_udp(*here, there, there, bytes(20))))
        tcp = bytearray(ip_udp("203.0.113.99", "192.0.2.10", 443, 40000, bytes(12)))
        tcp[9] = 6
        self.frames.append((when + 0.5, bytes(tcp)))

    def write(self, path):
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 101))
            for when, frame in sorted(self.frames):
                file.write(struct.pack("<4I", int(when), int(when % 1 * 1e9), len(frame), len(frame)) + frame)


def story():
    """Ten minutes: two NTP servers and a resolver, two losses that all share, one server's own dead door."""
    capture = Capture()

    def lost(when):
        return 150 <= when - START < 230 or 390 <= when - START < 452
    for i in range(600):
        when = START + i
        capture.bulk(when, BUSY if lost(when + 10) and not lost(when) else IDLE)
        if i % 8 == 0:
            capture.query(when + 0.1, "198.51.100.20", "ntp", not lost(when), 123, rtt=0.0213 + i % 7 * 1e-3)
        if i % 8 == 4:
            capture.query(when + 0.2, "203.0.113.7", "ntp", not lost(when), 123, rtt=0.0551 + i % 5 * 4e-3)
        if i % 20 == 7:
            capture.query(when + 0.3, "203.0.113.7", "ntp", False, 40000 + i)
        if i % 3 == 0:
            capture.query(when + 0.4, "198.51.100.53", "dns", not lost(when), 20000 + i, rtt=0.004 + i % 11 * 2e-3)
    for i in range(4):
        capture.query(START + 2 + i, "198.51.100.54", "dns", False, 30000 + i, name=(HOSTILE[:60], b"te<st"))
    return capture


# ---------------------------------------------------------------------------- checks

class Page(html.parser.HTMLParser):
    """Tags that do not match, and everything that would load or run."""

    def __init__(self):
        super().__init__()
        self.open, self.problems, self.tags = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset", "action", "data", "poster") or name.startswith("on"):
                self.problems.append(f"<{tag} {name}={value!r}>")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")


def check_form(text):
    page = Page()
    page.feed(text)
    found = page.problems + [f"<{t}> is never closed" for t in page.open if t not in ("html", "p", "li")]
    found += [f"<{t}> in it" for t in page.tags & {"script", "iframe", "object", "embed", "link", "base", "form"}]
    found += [f"{w} in it" for w in ("javascript:", "@import", "url(", "http://", "https://") if w in text]
    return found


def check_hostile(text):
    found = [repr(c) for c in sorted({c for c in text if not c.isprintable() and c != "\n"})]
    if "<script" in text.lower() or "te<st" in text:
        found.append("a name is markup")
    if "&lt;script&gt;" not in text:
        found.append("the hostile name is not there at all: nothing was tested")
    return found


def check_content(text):
    wanted = ["In plain words", "Over time", "<svg", "Who asked whom", "How long answers took", "What to do.",
              "Queries without a good answer", "How this was measured", "What could not be seen", "Clock", " UTC",
              "To paste into a ticket", "Answers stopped, from the first query lost to the last one (UTC):",
              "meanwhile TCP segments received: 78", "198.51.100.20:123", "203.0.113.7:123", "ephemeral", "no_reply"]
    found = [f"{w!r} is not in it" for w in wanted if w not in text]
    # the busiest 0.3 s hold a query or two besides; the ends are of the calmest two seconds
    told = re.search(r"UDP packets sent: (\d+)/s as it began, (\d+)/s as it ended", text)
    if not told or not BUSY <= int(told[1]) <= BUSY + 10 or not IDLE <= int(told[2]) <= IDLE + 2:
        found.append(f"{told and told[0]!r}, and in truth {BUSY} and {IDLE}")
    number = re.search(r"<h1>(\d+) of (\d+) queries got no answer</h1>", text)
    truth = sum(1 for line in story().frames if line[1][9] == 17 and line[1][22:24] in (b"\0\x7b", b"\0\x35") and
                line[1][20:22] not in (b"\0\x7b", b"\0\x35") or
                line[1][22:24] == b"\0\x7b" and line[1][28] & 7 == 3)
    if not number or int(number[2]) != truth:
        found.append(f"the headline counts {number and number[0]}, of {truth}")
    return found


def steps(path):
    """[(x from, x to, y)] of a curve drawn in steps."""
    found = re.findall(r"[ML]([\d.]+) ([\d.]+)H([\d.]+)", path)
    return [(float(a), float(b), float(y)) for a, y, b in found]


def check_curve(text):
    """The curve of all UDP stands above the lanes, and is as high as the truth was, where it was so."""
    found, curve = [], re.search(r'<path class="out" d="([^"]+)"', text)
    bands = [(float(x), float(x) + float(w)) for x, w in
             re.findall(r'<rect class="band" x="([\d.]+)" y="18.0" width="([\d.]+)"', text)]
    lanes = [float(y) for y in re.findall(r'<text class="name" x="0" y="([\d.]+)">(?:NTP|DNS)', text)]
    if not curve or len(bands) != 2 or not lanes:
        return [f"curve {bool(curve)}, {len(bands)} bands, {len(lanes)} lanes"]
    curve = steps(curve[1])
    base = float(re.search(r'<line class="base"[^>]* y1="([\d.]+)"', text)[1])
    top = min(y for _, _, y in curve)
    if base >= min(lanes) or top < 18:
        found.append(f"from {top} to {base}, and the first lane at {min(lanes)}")
    busy = [(a, b) for a, b, y in curve if (base - y) > 0.8 * (base - top)]
    # 600 s on 770 units: ten seconds before a band are thirteen of them
    for first, _ in bands:
        before = [1 for a, b in busy if first - 16 <= a and b <= first + 4]
        if len(before) < 4:
            found.append(f"the rate before the band at {first:.0f} is not drawn: busy at {busy}")
    away = [a for a, b in busy if not any(first - 18 <= a <= first + 4 for first, _ in bands)]
    found += [f"busy at {a}, where nothing was" for a in away]
    idle = [(base - y) / (base - top) for a, b, y in curve if any(f + 8 < a < t for f, t in bands)]
    found += [f"{share:.2f} of the height within a band" for share in idle if not 0.1 <= share <= 0.3][:3]
    return found


def check_lines(udpwhy, capture, text):
    """From the run's own lines, which tell good queries in sum only, the page counts the same."""
    lines = subprocess.run([udpwhy, "analyze", "-o", "json", capture], capture_output=True, check=True).stdout
    done = subprocess.run([udpwhy, "analyze", "-o", "html", "-"], input=lines, capture_output=True, check=True)
    again = done.stdout.decode()
    found = []
    for what in (r"<h1>(.*)</h1>", r"<b>(\d+)</b>", r'<text class="note"[^>]*>(\d+ answered, \d+ not)', r">(window \d+)</text>"):
        if re.findall(what, text) != re.findall(what, again) or not re.findall(what, text):
            found.append(f"{re.findall(what, again)}, of the capture {re.findall(what, text)}")
    if "not in the picture" not in again or "not in the picture" in text:
        found.append("what is not drawn is not said")
    return found


def luminance(colour):
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def check_contrast(text):
    """WCAG 2.1 AA: 4.5 for text (1.4.3), 3 for what a picture is read by (1.4.11)."""
    themes = re.findall(r":root\{([^}]*)\}", text)
    found = [] if len(themes) == 2 else [f"{len(themes)} themes, not light and dark"]
    for theme, name in zip(themes, ("light", "dark")):
        colour = dict(re.findall(r"(--\w+):(#[0-9a-f]{6})", theme))
        pairs = [(p, 4.5) for p in TEXT_ON] + [(p, 3) for p in SHAPES_ON] + [(("--lost", "--band"), 3)]
        found += [f"{name}: {a} on {b} is {contrast(colour[a], colour[b]):.2f}, less than {least}"
                  for (a, b), least in pairs if contrast(colour[a], colour[b]) < least]
    return found


def check_rendered(browser, path, picture, size, *options):
    """A picture that is not blank, and nothing that the page tried to load."""
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                               f"--user-data-dir={profile}", f"--window-size={size}", f"--screenshot={picture}",
                               *options, f"file://{path}"], capture_output=True, text=True, timeout=120)
    if done.returncode or not os.path.exists(picture):
        return [f"{browser}: exit {done.returncode}: {done.stderr[-300:]}"]
    with open(picture, "rb") as file:
        head = file.read(24)
    if head[:8] != b"\x89PNG\r\n\x1a\n" or os.path.getsize(picture) < 20000:
        return [f"{picture}: {os.path.getsize(picture)} bytes: blank?"]
    return []


def check_printed(browser, path, pdf):
    """On paper: a document of some pages."""
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
                               f"--user-data-dir={profile}", f"--print-to-pdf={pdf}", f"file://{path}"],
                              capture_output=True, text=True, timeout=120)
    if done.returncode or not os.path.exists(pdf):
        return [f"{browser}: exit {done.returncode}: {done.stderr[-300:]}"]
    with open(pdf, "rb") as file:
        pages = len(re.findall(rb"/Type\s*/Page\b", file.read()))
    return [] if 2 <= pages <= 8 else [f"{pages} pages"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", metavar="DIRECTORY", help="leave the page and the pictures there")
    parser.add_argument("udpwhy", nargs="?", default=os.path.join(HERE, "..", "build", "udpwhy"))
    args = parser.parse_args()
    scratch = args.keep or tempfile.mkdtemp(prefix="udpwhy-html-")
    os.makedirs(scratch, exist_ok=True)
    capture, page = (os.path.join(scratch, name) for name in ("<b>&story.pcap", "report.html"))
    try:
        return check_all(args.udpwhy, scratch, capture, page)
    finally:
        if not args.keep:
            shutil.rmtree(scratch)


def check_all(udpwhy, scratch, capture, page):
    story().write(capture)
    with open(page, "wb") as out:
        done = subprocess.run([udpwhy, "analyze", "-o", "html", capture], stdout=out, stderr=subprocess.PIPE)
    with open(page, encoding="utf-8") as file:
        text = file.read()
    results = {"runs": [] if done.returncode == 0 and not done.stderr else [f"{done.returncode} {done.stderr}"],
               "well-formed, complete in itself": check_form(text), "hostile names": check_hostile(text),
               "content": check_content(text), "the curve": check_curve(text), "from lines": check_lines(udpwhy, capture, text), "contrast": check_contrast(text)}
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    skipped = 0
    if browser:
        for name, size, options in (("light", "1180,3400", []), ("narrow", "420,3400", []),
                                    ("dark", "1180,3400", ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"])):
            results[f"rendered, {name}"] = check_rendered(browser, page, os.path.join(scratch, f"{name}.png"), size,
                                                          *options)
        results["printed"] = check_printed(browser, page, os.path.join(scratch, "report.pdf"))
    else:
        skipped = 1
        print("skip html: rendered: no chromium is installed")
    for name, problems in results.items():
        print(f"{'FAIL' if problems else 'ok  '} html: {name}")
        for problem in problems:
            print(f"  {problem}")
    failed = sum(map(bool, results.values()))
    print(f"{len(results) - failed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


sys.exit(main())
