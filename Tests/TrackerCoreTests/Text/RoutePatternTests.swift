import Testing

@testable import TrackerCore

@Suite("A route's pattern")
struct RoutePatternTests {
    @Test(
        "matches an encoded path part by part",
        arguments: [
            ("/hello/:name/", "/hello/bob/", ["name": "bob"]),
            ("/hello/:name/", "/hello/a%2Fb%20c/", ["name": "a/b c"]),
            ("/any/*", "/any/", ["*": ""]), ("/any/*", "/any/x//y/../z", ["*": "x//y/../z"]), ("/", "/", [:]),
            ("/e/:k/:u/", "/e/1/2/", ["k": "1", "u": "2"]), ("/a", "/%61", [:]),
        ])
    func matches(pattern: String, path: String, parameters: [String: String]) {
        let found = RoutePattern(pattern).match(encoded: path[...])
        #expect(found.map { Dictionary($0.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }) } == parameters)
    }

    @Test(
        "leaves other encoded paths alone",
        arguments: [
            ("/hello/:name/", "/hello/bob"), ("/hello/:name/", "/hello//"), ("/hello/:name/", "/hello/a/b/"),
            ("/", "*"),
            ("/any/*", "/any"), ("/any/*", "/any/a%00b%0Ac"), ("/hello/:name/", "/hello/%0A/"), ("/a", "/A"),
            ("/a", "/a/"),
        ])
    func others(pattern: String, path: String) {
        #expect(RoutePattern(pattern).match(encoded: path[...]) == nil)
    }

    @Test("takes a decoded path as it is")
    func decoded() {
        #expect(RoutePattern("/a/:b/*").match("/a/%41/c/d")?.map(\.value) == ["%41", "c/d"])
        #expect(RoutePattern("/a/:b").match("/a/b/c") == nil)
        #expect(RoutePattern("/%61").match("/a") == nil)
    }

    @Test(
        "orders literals before parameters before wildcards, longer before shorter, and no pattern before its equal",
        arguments: [("/a/b", "/a/:x"), ("/a/:x", "/a/*"), ("/:x/b", "/:x/:y"), ("/a/:x/b", "/a/:x")])
    func order(first: String, second: String) {
        let (first, second) = (RoutePattern(first), RoutePattern(second))
        #expect(RoutePattern.isMoreSpecific(first, second))
        #expect(!RoutePattern.isMoreSpecific(second, first))
        for pattern in [first, second] { #expect(!RoutePattern.isMoreSpecific(pattern, pattern)) }
    }
}
