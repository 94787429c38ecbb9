import Synchronization

/// What the records of a connection are judged by.
struct FastCGIContext {
    let app: CGIApp.Snapshot
    let admission: FastCGIAdmission
    /// Milliseconds of the monotonic clock.
    let now: Int

    var limits: CGIAppConfiguration.FastCGI { app.configuration.fastCGI }

    /// The answer to GET_VALUES (section 4.1): the asked-for names that we know, each once.
    func values(askedFor names: [UInt8]) -> [UInt8] {
        var pairs: [UInt8] = []
        var answered: [String] = []
        for variable in FastCGINameValues.decode(names) ?? CGIVariables() where !answered.contains(variable.name) {
            let value: String
            switch variable.name {
            case "FCGI_MAX_CONNS": value = String(admission.maximumConnections)
            case "FCGI_MAX_REQS": value = String(admission.maximumRequests)
            case "FCGI_MPXS_CONNS": value = "1"
            default: continue
            }
            answered.append(variable.name)
            FastCGINameValues.append(name: variable.name, value: value, to: &pairs)
        }
        return pairs
    }
}

/// Counts requests in and out, over all connections of a server.
final class FastCGIAdmission: Sendable {
    let maximumConnections: Int
    let maximumRequests: Int
    let bodies: BodyBudget
    private let serials = Atomic<UInt64>(0)
    private let inWork = Atomic<Int>(0)

    init(maximumConnections: Int, maximumRequests: Int, maximumBodyBytes: Int) {
        self.maximumConnections = maximumConnections
        self.maximumRequests = max(1, maximumRequests)
        bodies = BodyBudget(limit: maximumBodyBytes)
    }

    /// Requests between their first record and the end of their answer.
    var requestsInWork: Int { inWork.load(ordering: .acquiring) }
    /// Requests since the start.
    var requests: UInt64 { serials.load(ordering: .relaxed) }

    /// Counts a request in.
    ///
    /// - Returns: its number; nil if there are too many.
    func claim() -> UInt64? {
        guard inWork.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue <= maximumRequests else {
            release()
            return nil
        }
        return serials.wrappingAdd(1, ordering: .relaxed).newValue
    }

    /// - Returns: how many are left.
    @discardableResult
    func release() -> Int {
        inWork.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
    }
}
