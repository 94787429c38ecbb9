extension LivePageStyle {
    /// The cards above the list.
    static let charts = #"""
        .cards { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 14px }
        .card, .panel {
          background: var(--card); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow);
          min-width: 0;
        }
        .card { padding: 13px 16px 12px; height: 150px; display: flex; flex-direction: column }
        .card h2 { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; flex: none }
        .figures { display: flex; gap: 14px; align-items: baseline; margin-top: 3px; color: var(--soft);
          font-size: 12px }
        .figures strong { font-size: 24px; font-weight: 650; letter-spacing: -.02em; color: var(--text) }
        .figures div { display: flex; gap: 6px; align-items: baseline; white-space: nowrap }
        .figures dd { font-size: 15px; font-weight: 650; letter-spacing: -.01em; color: var(--text) }
        .chart { display: block; width: 100%; flex: 1; min-height: 0; margin-top: 6px; overflow: visible }
        .chart rect { fill: var(--accent) }
        .chart .past { opacity: .85 }
        .chart .rest { fill: var(--line) }
        .chart .now { opacity: .4 }
        .chart line { stroke: var(--text); stroke-width: 1.2; vector-effect: non-scaling-stroke }
        .chart line.p95 { stroke: var(--s4) }
        .chart line.p99 { stroke: var(--s5) }
        dd#p95 { color: var(--s4) }
        dd#p99 { color: var(--s5) }
        .axis { display: flex; justify-content: space-between; font-size: 11px; color: var(--soft); margin-top: 3px }

        .stack { display: flex; gap: 2px; height: 8px; border-radius: 4px; overflow: hidden; margin: 12px 0 8px;
          background: var(--raised); flex: none }
        .stack i { flex: 0 0 auto; min-width: 3px }
        .stack .s1 { background: var(--s1) } .stack .s2 { background: var(--s2) } .stack .s3 { background: var(--s3) }
        .stack .s4 { background: var(--s4) } .stack .s5 { background: var(--s5) }
        .classes { flex: 1; align-content: space-evenly; display: grid; grid-template-columns: 1fr 1fr; gap: 2px 14px }
        .classes button, .bars button {
          border: 0; background: none; padding: 0 6px; margin: 0 -6px; height: 26px; border-radius: 6px;
          font-weight: 400;  font-size: 13px; display: flex; align-items: center; text-align: left; min-width: 0;
        }
        .classes button:hover, .bars button:hover { background: var(--raised) }
        .classes button[aria-pressed="true"], .bars button[aria-pressed="true"] {
          background: var(--tint); color: inherit }
        .classes i { width: 8px; height: 8px; border-radius: 3px; margin-right: 8px; flex: none }
        .classes .s2 i { background: var(--s2) } .classes .s3 i { background: var(--s3) }
        .classes .s4 i { background: var(--s4) } .classes .s5 i { background: var(--s5) }
        .classes b { margin-left: auto; font-weight: 600 }
        .bars { margin: 5px -6px 0; flex: 1; justify-content: space-between; display: flex; flex-direction: column;
          overflow: hidden }
        .bars button { position: relative; height: 22px; font-size: 12.5px; flex: none; margin: 0; padding: 0 8px }
        .bars button span {
          overflow: hidden; text-overflow: ellipsis; white-space: nowrap; position: relative; padding-right: 10px }
        .bars button b { margin-left: auto; font-weight: 600; position: relative }
        .bars button i {
          position: absolute; left: 0; top: 2px; bottom: 2px; border-radius: 4px; background: var(--tint);
          max-width: 100% }
        .bars button[aria-pressed="true"] i { background: var(--line) }

        """#
}
