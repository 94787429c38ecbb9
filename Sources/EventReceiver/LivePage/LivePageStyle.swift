/// The live page's style: colours, the frame and its controls.
enum LivePageStyle {
    static let base = #"""
        :root {
          color-scheme: light dark;
          --bg: light-dark(#f5f6f8, #0e1116); --card: light-dark(#fff, #161a21); --raised: light-dark(#f1f3f6, #1d232c);
          --line: light-dark(#e2e5ea, #272e39); --text: light-dark(#1a2029, #e5e9ef);
          --soft: light-dark(#5a6472, #98a3b3); --accent: light-dark(#355fe5, #7d9bff);
          --tint: light-dark(#eaf0ff, #1c2743);
          --s1: light-dark(#66707e, #98a3b3); --s2: light-dark(#117a53, #4cc38a); --s3: light-dark(#2c62cf, #74a5ff);
          --s4: light-dark(#9a5b00, #efb04f); --s5: light-dark(#c2303a, #ff7b80);
          --b1: light-dark(#eceef1, #222935); --b2: light-dark(#e1f5ec, #12301f); --b3: light-dark(#e4edfd, #17294a);
          --b4: light-dark(#fcefd9, #382609); --b5: light-dark(#fde6e7, #3d161a);
          --shadow: light-dark(0 1px 2px #1018280d, 0 1px 2px #0006);
          --mono: ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas,
            "DejaVu Sans Mono", monospace;
        }
        :root[data-theme="light"] { color-scheme: light }
        :root[data-theme="dark"] { color-scheme: dark }
        * { box-sizing: border-box; margin: 0 }
        [hidden] { display: none !important }
        html, body { height: 100% }
        body {
          background: var(--bg); color: var(--text); display: flex; flex-direction: column;
          font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, Inter, "Noto Sans", "DejaVu Sans", sans-serif;
          font-variant-numeric: tabular-nums;
        }
        main {
          flex: 1; min-height: 0; display: flex; flex-direction: column; gap: 14px; padding: 0 20px 20px;
          width: 100%; max-width: 1720px; margin: 0 auto;
        }
        h1 { font-size: 16px; font-weight: 650; letter-spacing: -.01em; display: flex; align-items: center; gap: 10px }
        h2, h3 { font-size: 12px; font-weight: 600; color: var(--soft) }
        small { font-weight: 400; font-size: 12px }
        button, input, select {
          font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
          height: 34px; padding: 0 12px; min-width: 0;
        }
        button { cursor: pointer; font-weight: 500; white-space: nowrap }
        button:hover, select:hover { background: var(--raised) }
        button[aria-pressed="true"] { background: var(--tint); border-color: var(--accent); color: var(--accent) }
        input::placeholder { color: var(--soft); opacity: 1 }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 1px }
        .link { border: 0; background: none; color: var(--accent); height: auto; padding: 2px 4px; font-size: 12px }
        .link:hover { background: none; text-decoration: underline }

        .top {
          display: flex; align-items: center; gap: 16px; padding: 14px 20px; width: 100%; max-width: 1720px;
          margin: 0 auto;
        }
        .mark {
          width: 26px; height: 26px; border-radius: 7px; background: light-dark(#355fe5, #4a6ff0); display: flex;
          gap: 3px; align-items: end; justify-content: center; padding: 6px 0;
        }
        .mark i { width: 3px; border-radius: 2px; background: #fff; height: 50% }
        .mark i:nth-child(2) { height: 100% }
        .mark i:nth-child(3) { height: 72% }
        .state { color: var(--soft); display: flex; align-items: center; gap: 8px; margin-right: auto; font-size: 13px }
        .dot { width: 8px; height: 8px; border-radius: 50%; background: var(--s4); flex: none }
        .state[data-state="live"] .dot { background: var(--s2); box-shadow: 0 0 0 3px var(--b2) }
        .state[data-state="lost"] .dot { background: var(--s5); box-shadow: 0 0 0 3px var(--b5) }
        .actions { display: flex; gap: 8px }
        #pause { min-width: 84px }
        #theme, #help-open { width: 34px; padding: 0; display: grid; place-items: center }
        #theme svg { width: 16px; height: 16px; fill: none; stroke: currentColor; stroke-width: 1.4 }
        #theme path { fill: currentColor }

        .filters { display: flex; gap: 8px; align-items: center; flex-wrap: wrap }
        #q { flex: 1 1 240px; max-width: 460px }
        #view { max-width: 210px }
        #session { width: 150px; font-family: var(--mono); font-size: 12.5px }
        .filters .active { border-color: var(--accent); background: var(--tint) }
        .count { color: var(--soft); margin-left: auto; font-size: 13px }

        dialog {
          margin: auto; border: 1px solid var(--line); border-radius: 14px; background: var(--card); color: inherit;
          padding: 20px 24px; min-width: 290px; box-shadow: 0 20px 60px #0005;
        }
        dialog::backdrop { background: #0006 }
        dialog h2 { font-size: 15px; color: var(--text) }
        .keys { margin: 12px 0 18px }
        .keys div { display: flex; padding: 4px 0 }
        .keys dt { width: 110px; font: 12.5px/1.6 var(--mono); color: var(--soft) }

        """#
}
