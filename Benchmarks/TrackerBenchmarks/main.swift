import TrackerCore

let arguments = CommandLine.arguments.dropFirst()
if arguments.contains("--help") {
    print(
        """
        Usage: swift run -c release TrackerBenchmarks [--filter NAME]

        Prints a table for each area: request-path, encoding, delivery, fastcgi, fastcgi-memory, cgi-start.
        The start of a CGI program is that of a statically linked one: add -Xswiftc -static-stdlib.
        """)
} else {
    var filter: String?
    if let position = arguments.firstIndex(of: "--filter") { filter = arguments[(position + 1)...].first }
    func wants(_ name: String) -> Bool { filter.map { name.contains($0) } ?? true }
    if wants("request-path") { print(try await RequestPathBenchmark.run().text) }
    if wants("delivery") { print(try DeliveryBenchmark.run().text) }
    if wants("fastcgi") { print(try FastCGIBenchmark.run().text) }
    if wants("fastcgi-memory") { print(try FastCGIMemoryBenchmark.run().text) }
    if wants("cgi-start") { print(try CGIStartBenchmark.run().text) }
    if wants("encoding") { print(EncodingBenchmark.run().text) }
}
