#!/usr/bin/env bash
# Has what the tests of the pages need: a Chromium, and a font that shows Chinese.
source "$(dirname "$0")/common.sh"

any_chromium() { have chromium || have chromium-browser || have google-chrome; }

chinese_font() { have fc-list && [ -n "$(fc-list :lang=zh)" ]; }

any_chromium || debian 'found no Chromium' chromium
chinese_font || debian 'found no Chinese font' fontconfig fonts-wqy-microhei
