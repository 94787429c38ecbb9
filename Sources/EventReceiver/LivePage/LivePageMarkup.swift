/// The live page's frame. Everything in it that an event says is put there by the script, as text.
enum LivePageMarkup {
    static let page = #"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Live events · RigidAnalytics</title>
        <link rel="icon" href="data:image/svg+xml,%3Csvg%20
        xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect%20
        width='16' height='16' rx='4' fill='%23355fe5'/%3E%3Cpath d='M4 12V9M8 12V4M12 12V7' stroke='white'%20
        stroke-width='2' stroke-linecap='round'/%3E%3C/svg%3E">
        <link rel="stylesheet" href="/live.css">
        <script src="/live.js" defer></script>
        </head>
        <body>
        <header class="top">
          <h1><span class="mark" aria-hidden="true"><i></i><i></i><i></i></span>Live events</h1>
          <p id="state" class="state" role="status"><span class="dot"></span><span id="state-text">Connecting</span></p>
          <div class="actions">
            <button id="pause" type="button" aria-pressed="false" title="Pause or go on (p)">Pause</button>
            <button id="clear" type="button" title="Empty this page; nothing is deleted elsewhere">Clear</button>
            <button id="theme" type="button" title="Dark or light (t)" aria-label="Dark or light">
              <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6.2"/><path d="M8 1.8a6.2 6.2 0 0 1 0
              12.4z"/></svg></button>
            <button id="help-open" type="button" title="Keys (?)" aria-label="Keys">?</button>
          </div>
        </header>
        <main>
        <section class="cards" aria-label="Charts of the events shown">
          <article class="card"><h2>Requests per second <small>last minute</small></h2>
            <p class="figures"><strong id="rate">0</strong><span id="rate-peak"></span></p>
            <svg id="rate-chart" class="chart" viewBox="0 0 240 56" preserveAspectRatio="none" aria-hidden="true"></svg>
          </article>
          <article class="card"><h2>Latency <small>of the events shown</small></h2>
            <dl class="figures"><div><dt>p50</dt><dd id="p50">–</dd></div><div><dt>p95</dt><dd id="p95">–</dd></div>
              <div><dt>p99</dt><dd id="p99">–</dd></div></dl>
            <svg id="latency-chart" class="chart" viewBox="0 0 240 44" preserveAspectRatio="none"
              aria-hidden="true"></svg>
            <p id="latency-axis" class="axis"></p>
          </article>
          <article class="card"><h2>Status</h2>
            <div id="status-bar" class="stack" aria-hidden="true"></div>
            <div id="status-list" class="classes"></div>
          </article>
          <article class="card"><h2>Top views</h2>
            <div id="views" class="bars"></div>
          </article>
        </section>
        <section class="filters" aria-label="Filters" role="search">
          <input id="q" type="search" placeholder="Search in events  ( / )" aria-label="Search in events"
            autocomplete="off" spellcheck="false">
          <select id="status" aria-label="Status"></select>
          <select id="view" aria-label="View"></select>
          <input id="session" type="search" placeholder="Session" aria-label="Session" autocomplete="off"
            spellcheck="false" maxlength="32">
          <button id="reset" type="button" hidden>Reset</button>
          <output id="count" class="count">No events yet</output>
        </section>
        <div id="split" class="split">
          <section class="panel" aria-label="Events">
            <div id="head" class="head row" aria-hidden="true"><span>Time</span><span>Status</span><span>Path</span>
              <span>View</span><span>Session</span><span class="num">Took</span></div>
            <div id="list" class="list" role="listbox" tabindex="0" aria-label="Events, newest first">
              <div id="spacer" class="spacer" role="presentation"></div>
            </div>
            <button id="newest" class="newest" type="button" hidden></button>
            <div id="empty" class="empty"><p id="empty-title"><strong>Waiting for the first event</strong></p>
              <p id="empty-text">Point a tracker at this address and open a page of its app.</p>
              <pre id="empty-settings"></pre></div>
          </section>
          <aside id="detail" class="panel detail" aria-label="The event" hidden>
            <header><h2 id="detail-title" tabindex="-1"></h2>
              <button id="close" type="button" title="Close (Esc)" aria-label="Close">×</button></header>
            <dl id="facts" class="facts"></dl>
            <section><h3>Session <button id="only-session" type="button" class="link">show only this one</button></h3>
              <p id="trail-more" class="more"></p>
              <ol id="trail" class="trail"></ol></section>
            <section><h3>Event <button id="copy" type="button" class="link" title="Copy (c)">copy</button></h3>
              <pre id="json" class="json" tabindex="0" aria-label="The event as JSON"></pre></section>
          </aside>
        </div>
        </main>
        <dialog id="help"><h2>Keys</h2>
          <dl class="keys"><div><dt>/</dt><dd>search</dd></div>
            <div><dt>↓ ↑ &nbsp;or&nbsp; j k</dt><dd>next, previous</dd></div>
            <div><dt>Enter</dt><dd>open</dd></div><div><dt>Esc</dt><dd>close</dd></div>
            <div><dt>c</dt><dd>copy the open event</dd></div><div><dt>p</dt><dd>pause, go on</dd></div>
            <div><dt>g</dt><dd>to the newest</dd></div><div><dt>t</dt><dd>dark or light</dd></div></dl>
          <button id="help-close" type="button">Close</button></dialog>
        <noscript><p class="empty">This page needs JavaScript. Events as JSON: /PROJECT_ID/events</p></noscript>
        </body>
        </html>

        """#
}
