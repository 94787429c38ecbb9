/// The two forms of an event, as the two kinds of server see a request.
public enum EventStyle: Sendable, Hashable {
    /// `CONTENT_TYPE` and `CONTENT_LENGTH` without `HTTP_`; `cookies` are the response's, with their attributes.
    case router
    /// `HTTP_` before every name, an empty `Content-Type` left out; `cookies` are the request's, with their values.
    case cgi
}
