/// What the records of a connection are judged by.
struct FastCGIContext {
    let app: CGIApp.Snapshot
    let server: FastCGIServer
    let connection: FastCGIConnection
    /// Milliseconds of the monotonic clock.
    let now: Int

    var limits: CGIAppConfiguration.FastCGI { app.configuration.fastCGI }

    /// Counts a request in; false if there are too many.
    func claimRequest() -> Bool { server.claimRequest(maximum: limits.maximumRequests) }

    func nextSerial() -> UInt64 { server.nextSerial() }

    /// The answer to GET_VALUES (section 4.1): the asked-for names that we know, each once.
    func values(askedFor names: [UInt8]) -> [UInt8] {
        var pairs: [UInt8] = []
        var answered: [String] = []
        for variable in FastCGINameValues.decode(names) ?? CGIVariables() where !answered.contains(variable.name) {
            let value: String
            switch variable.name {
            case "FCGI_MAX_CONNS": value = String(limits.maximumConnections)
            case "FCGI_MAX_REQS": value = String(limits.maximumRequests)
            case "FCGI_MPXS_CONNS": value = "1"
            default: continue
            }
            answered.append(variable.name)
            FastCGINameValues.append(name: variable.name, value: value, to: &pairs)
        }
        return pairs
    }
}
