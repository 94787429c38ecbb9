import Foundation

/// `Benchmarks/baseline/curl_multi.c`, compiled.
struct CurlBaseline {
    private let program: String

    /// Returns nil if there is no compiler, or libcurl's headers are missing.
    static func build() throws -> CurlBaseline? {
        try BaselineProgram.compile("curl_multi", libraries: ["curl"]).map { CurlBaseline(program: $0) }
    }

    /// - Parameters:
    ///   - connections: concurrent connections.
    ///   - bytes: the size of each body.
    ///   - authority: the CA that signed the server's certificate, if it has one.
    ///   - streams: streams on each connection; more than one over HTTP/2.
    /// - Returns: POSTs per second, and microseconds of CPU per POST.
    func run(
        url: String, count: Int, connections: Int, bytes: Int, authority: String? = nil, streams: Int = 1
    ) throws -> (rate: Double, cpu: Double) {
        let (text, _) = try BenchmarkTools.run(
            program,
            ["\(url)/p", String(count), String(connections), String(bytes), authority ?? "", String(streams)])
        let numbers = text.split(separator: " ").compactMap {
            Double($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        guard numbers.count == 3, numbers[2] == 0 else { throw BenchmarkFailure("curl_multi said: \(text)") }
        return (numbers[0], numbers[1])
    }
}
