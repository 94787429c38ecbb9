import TrackerCore

/// The one event of a CGI process, whose client has its answer already.
///
/// Some web servers hold the connection, and with it the next request, until the process has gone; some send it
/// SIGTERM as soon as it is silent. A child of its own session on /dev/null is waited for by none of them.
struct LastEvent {
    let event: MeasuredRequest
    let configuration: TrackerConfiguration
    let options: CGIDeliveryOptions

    func deliver() {
        // The web server may wait for the program itself.
        let patience = Duration.milliseconds(80)
        guard options.usesChildProcess else { return deliverHere(patience) }
        switch DetachedProcess.fork() {
        case .parent: return
        case .impossible: deliverHere(patience)
        case .child:
            // Nobody waits for this one: on a machine so busy that the time is over before the event is on disk, it
            // gets there a little later.
            deliverHere(.seconds(10))
            DetachedProcess.end()
        }
    }

    private func deliverHere(_ patience: Duration) {
        var configuration = configuration
        configuration.connectTimeout = min(configuration.connectTimeout, options.connectTimeout)
        configuration.requestTimeout = min(configuration.requestTimeout, options.timeout)
        configuration.maximumConnections = 1
        configuration.drainsSpoolAtShutdown = true
        // Standard error is on /dev/null by now: the web server would wait for its end.
        configuration.logHandler = { SystemLog.write($0, $1) }
        let tracker = Tracker(configuration: configuration)
        event.send(through: tracker)
        tracker.shutdown(timeout: options.timeout, patience: patience)
    }
}
