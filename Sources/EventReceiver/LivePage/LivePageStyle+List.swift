extension LivePageStyle {
    /// The list, and the event that is open beside it.
    static let list = #"""
        .split { flex: 1; min-height: 260px; display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px }
        .split.open { grid-template-columns: minmax(0, 1fr) minmax(380px, 34%) }
        .panel { position: relative; display: flex; flex-direction: column; min-height: 0; overflow: hidden }
        .row {
          display: grid; align-items: center; column-gap: 14px; padding: 0 16px;
          grid-template-columns: 104px 52px minmax(0, 1fr) minmax(0, 150px) 84px 76px;
        }
        .head {
          height: 36px; flex: none; border-bottom: 1px solid var(--line); font-size: 12px; font-weight: 600;
          color: var(--soft);
        }
        .num { text-align: right }
        .list { --row: 36px; flex: 1; min-height: 0; overflow-y: scroll; overflow-anchor: none; position: relative;
          scrollbar-width: thin; scrollbar-color: var(--line) transparent; outline-offset: -2px }
        .spacer { position: relative; overflow: hidden; min-height: 1px }
        .list .row {
          position: absolute; left: 0; right: 0; top: 0; height: var(--row); border-bottom: 1px solid var(--line);
          cursor: pointer; font-size: 13px; contain: strict;
        }
        .list .row > * { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
        .list .row:hover { background: var(--raised) }
        .list .row[aria-selected="true"] { background: var(--tint); box-shadow: inset 3px 0 var(--accent) }
        .time, .took { color: var(--soft) }
        .took { text-align: right }
        .took.slow { color: var(--s4); font-weight: 600 }
        .path { font-family: var(--mono); font-size: 12.5px }
        .view { color: var(--soft) }
        .sid {
          font-family: var(--mono); font-size: 12px; color: var(--soft); display: flex; align-items: center; gap: 7px }
        .sid i { width: 8px; height: 8px; border-radius: 50%; flex: none }
        .code {
          font-weight: 600; font-size: 12px; text-align: center; border-radius: 6px; line-height: 20px; width: 42px;
          display: inline-block; flex: none;
        }
        .code.s1 { color: var(--s1); background: var(--b1) } .code.s2 { color: var(--s2); background: var(--b2) }
        .code.s3 { color: var(--s3); background: var(--b3) } .code.s4 { color: var(--s4); background: var(--b4) }
        .code.s5 { color: var(--s5); background: var(--b5) }
        .newest {
          position: absolute; top: 46px; left: 50%; translate: -50%; border-radius: 20px; background: var(--accent);
          color: light-dark(#fff, #0e1116); border: 0; box-shadow: 0 4px 14px #0003;
        }
        .newest:hover { background: var(--accent); filter: brightness(1.08) }
        .empty { position: absolute; inset: 36px 0 0; display: grid; place-content: center; text-align: center;
          gap: 6px;  color: var(--soft); padding: 20px }
        .empty strong { color: var(--text); font-size: 15px }
        .empty pre { font: 12.5px/1.7 var(--mono); text-align: left; background: var(--raised); border-radius: 8px;
          padding: 10px 14px; margin: 8px auto 0; overflow-x: auto; max-width: 100% }

        .detail { overflow-y: auto; scrollbar-width: thin; scrollbar-color: var(--line) transparent }
        .detail > header { display: flex; align-items: start; gap: 10px; padding: 14px 12px 12px 16px; position: sticky;
          top: 0; background: var(--card); border-bottom: 1px solid var(--line); z-index: 1 }
        .detail > header h2 { color: var(--text); font: 600 13px/1.5 var(--mono); overflow-wrap: anywhere; outline: 0;
          display: flex; gap: 10px; margin-right: auto; max-height: 6em; overflow: auto }
        #close { border: 0; font-size: 20px; line-height: 1; width: 30px; height: 26px; padding: 0; flex: none }
        .detail section { padding: 4px 16px 14px }
        .detail h3 { display: flex; justify-content: space-between; align-items: baseline; padding: 8px 0 6px }
        .facts {
          display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 3px 16px; padding: 10px 16px 4px;
          font-size: 13px }
        .facts div { display: contents }
        .facts dt { color: var(--soft) }
        .facts dd { overflow-wrap: anywhere; max-height: 9em; overflow-y: auto }
        .facts .mono { font-family: var(--mono); font-size: 12.5px }
        .trail { list-style: none; padding: 0; max-height: 156px; overflow-y: auto; scrollbar-width: thin }
        .trail button {
          display: grid; grid-template-columns: 46px 66px minmax(0, 1fr) 66px; gap: 8px; width: 100%; border: 0;
          background: none; padding: 0 6px; height: 30px; align-items: center; text-align: left; font-weight: 400;
          font-size: 12.5px;
        }
        .trail button > * { overflow: hidden; text-overflow: ellipsis }
        .trail button:hover { background: var(--raised) }
        .trail button[aria-current="true"] { background: var(--tint) }
        .more { font-size: 12px; color: var(--soft) }
        .more:empty { display: none }
        .json { font: 12px/1.6 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; background: var(--raised);
          border-radius: 8px; padding: 12px 14px; tab-size: 2 }
        .json .k { color: light-dark(#6b3fb0, #c3a5ff) } .json .s { color: light-dark(#0d6b4b, #7fd1a8) }
        .json .n { color: light-dark(#9a5b00, #efb04f) } .json .w { color: light-dark(#2c62cf, #74a5ff) }

        """#

    /// Less room: two columns of cards, rows of two lines, and the open event over the list.
    static let narrow = #"""
        @media (max-width: 1180px) {
          .split.open .row { grid-template-columns: 100px 52px minmax(0, 1fr) 76px }
          .split.open .row > :nth-child(4), .split.open .row > :nth-child(5) { display: none }
        }
        @media (max-width: 900px) {
          .cards { grid-template-columns: repeat(2, minmax(0, 1fr)) }
          .split.open { grid-template-columns: minmax(0, 1fr) }
          .detail { position: fixed; inset: 0; border-radius: 0; border: 0; z-index: 5 }
          #close { width: 40px; height: 36px; margin: -7px 0 }
        }
        @media (max-width: 640px) {
          html, body { height: auto }
          main { padding: 0 12px 12px; gap: 10px }
          .top { padding: 10px 12px; gap: 10px; flex-wrap: wrap }
          .state { order: 3; width: 100%; margin: 0 }
          .actions { margin-left: auto; gap: 6px }
          #pause { min-width: 72px }
          #clear, #help-open { display: none }
          .cards { gap: 8px }
          .card { padding: 10px 12px; height: 150px }
          .card small { display: none }
          .figures { gap: 4px 8px; justify-content: space-between; flex-wrap: wrap }
          .figures div { flex-direction: column; gap: 0 }
          .figures dd { font-size: 12.5px; letter-spacing: -.02em }
          .stack { margin: 8px 0 4px }
          .classes { grid-template-columns: minmax(0, 1fr); gap: 0 }
          .classes button { font-size: 12.5px; height: 23px }
          #q { flex-basis: 100%; max-width: none }
          #status, #view { flex: 1 1 100px; padding: 0 6px }
          #session { flex: 1 1 80px; width: auto }
          .filters input, .filters select { font-size: 16px; height: 38px }
          .count { width: 100%; margin: 0 }
          .head { display: none }
          .split { min-height: 0; height: 78vh; flex: none }
          .list { --row: 58px }
          .list .row, .split.open .list .row {
            grid-template: "code path took" 24px "code view time" 20px
              / 42px minmax(0, 1fr) auto; align-content: center;
            padding: 0 12px; column-gap: 10px }
          .list .row > *, .split.open .list .row > * { display: block }
          .row .code { grid-area: code; align-self: center } .row .path { grid-area: path }
          .row .took { grid-area: took } .row .view { grid-area: view; font-size: 12px }
          .row .time { grid-area: time; font-size: 12px }
          .list .row .sid, .split.open .list .row .sid { display: none }
          .newest { top: 10px }
          .empty { inset: 0 }
        }

        """#
}
