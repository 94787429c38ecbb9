import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL
import TrackerCore

/// Delivers events with AsyncHTTPClient, for images and static binaries without libcurl.
///
/// Uses HTTP/2 where the backend offers it, keep-alive connections, the configuration's certificates and timeouts, and
/// batches if the backend accepts them. It follows no redirects: a token must not travel to another host. Unlike the
/// libcurl transport, it sends no gzip and ignores proxy variables.
struct AsyncHTTPClientTransport: EventTransport {
    let configuration: TrackerConfiguration

    init(_ configuration: TrackerConfiguration) {
        self.configuration = configuration
    }

    func open() throws(TransportUnavailable) -> any TransportSession {
        var options = HTTPClient.Configuration()
        options.redirectConfiguration = .disallow
        options.timeout.connect = TimeAmount(configuration.connectTimeout)
        options.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = configuration.maximumConnections
        if let path = configuration.caFile {
            var tls = TLSConfiguration.makeClientConfiguration()
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
            } catch {
                throw TransportUnavailable("\(path) can't be read as certificates in PEM format: \(error)")
            }
            options.tlsConfiguration = tls
        }
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: options)
        let url = configuration.backendEndpoint.url(projectID: configuration.projectID)
        let limit = TimeAmount(configuration.requestTimeout)
        return AsyncSession(
            maximumInFlight: configuration.maximumConnections, onEnd: { client.shutdown { _ in } },
            send: { payload in await Self.send(payload, to: url, through: client, within: limit) })
    }

    private static func send(
        _ payload: DeliveryPayload, to url: String, through client: HTTPClient, within limit: TimeAmount
    ) async -> DeliveryCompletion {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: payload.contentType)
        request.headers.add(name: "Idempotency-Key", value: payload.idempotencyKey)
        request.headers.add(name: "User-Agent", value: "rigidanalytics-tracker/\(TrackerVersion.current)")
        request.body = .bytes(ByteBuffer(bytes: payload.body))
        do {
            let start = ContinuousClock.now
            let answer = try await client.execute(request, timeout: limit)
            let latency = ContinuousClock.now - start
            await drain(answer)
            return DeliveryCompletion(
                of: payload, status: Int(answer.status.code), retryAfter: answer.headers.first(name: "Retry-After"),
                acceptPost: answer.headers.first(name: "Accept-Post"), latency: latency)
        } catch {
            let outcome: DeliveryOutcome =
                isDistrust(error)
                ? .holdBack(because: "the connection is not trusted, so nothing was sent: \(error)")
                : .unreachable(because: "\(error)")
            return DeliveryCompletion(identifier: payload.identifier, outcome: outcome)
        }
    }

    /// Reads a short body, so that the connection can be reused. A long or slow one closes its connection: the status
    /// alone decides, and must not wait for a backend that never ends its response. An empty one of HTTP/1.1 needs no
    /// timer.
    private static func drain(_ answer: HTTPClientResponse) async {
        if answer.version.major == 1, answer.headers.first(name: "Content-Length") == "0" {
            _ = try? await answer.body.collect(upTo: 0)
            return
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = try? await answer.body.collect(upTo: 65_536) }
            group.addTask { try? await Task.sleep(for: .milliseconds(250)) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Whether the backend's certificate or name was refused. Not for other TLS errors: a lost connection is one too.
    private static func isDistrust(_ error: any Error) -> Bool {
        switch error {
        case NIOSSLError.handshakeFailed(.sslError(let stack)):
            stack.contains { $0.description.contains("CERTIFICATE_VERIFY_FAILED") }
        case let error as NIOSSLExtraError:
            error == .failedToValidateHostname || error == .serverHostnameImpossibleToMatch
        case let error as NIOSSLError:
            error == .unableToValidateCertificate || error == .noCertificateToValidate
        default: false
        }
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
