/// What answers a request, or looks at it first: a synchronous or an asynchronous function.
enum CGIHandler<Result: Sendable>: Sendable {
    case sync(@Sendable (CGIRequest) throws -> Result)
    case async(@Sendable (CGIRequest) async throws -> Result)

    var isAsync: Bool {
        switch self {
        case .sync: false
        case .async: true
        }
    }
}

/// How a route takes the body of a request.
public enum CGIBodyPolicy: Sendable, Equatable {
    /// Whole, before the handler runs (under CGI: on first use). Longer ones are answered with 413.
    ///
    /// - `upTo`: the most bytes; nil is the app's `maximumBodyBytes`.
    case collected(upTo: Int? = nil)
    /// As it arrives, through `CGIRequest.bodyStream`; a slow reader slows the sender. Longer ones are answered with
    /// 413, or fail while they are read if their length was not announced. Read it before you write: nginx stops
    /// sending a body once it has the headers of the response.
    case streamed(upTo: Int = .max)

    func maximumBytes(default maximum: Int) -> Int {
        switch self {
        case .collected(let own): own ?? maximum
        case .streamed(let own): own
        }
    }
}
