/// What makes an event of a tracked request, on the delivery thread: the app's hook, the filter, the JSON, the key.
final class EventPreparation {
    private let pipeline: DeliveryPipeline
    private let hook: BeforeSend?
    private var encoder: EventEncoder
    let identifiers = EventIdentifierGenerator()

    init(configuration: TrackerConfiguration, pipeline: DeliveryPipeline, log: TrackerLog) {
        self.pipeline = pipeline
        hook = configuration.beforeSend.map { BeforeSend($0, log: log, onSlow: pipeline.countSlowHook) }
        encoder = EventEncoder(
            projectToken: configuration.projectToken, privacy: configuration.privacy,
            trustedProxies: configuration.trustedProxies)
    }

    /// - Returns: nil if the app's hook did not let the event through; then it is settled.
    func event(of request: borrowing TrackedRequest, sequence: UInt64) -> EncodedEvent? {
        var body: [UInt8] = []
        if let hook {
            guard let changed = apply(hook, to: request) else { return nil }
            body = encoder.encode(changed)
        } else {
            body = encoder.encode(request)
        }
        return EncodedEvent(
            sequence: sequence, identifier: identifiers.next(), receivedAt: request.receivedAt, body: body,
            queueBytes: request.approximateBytes)
    }

    /// Adds the event to a batch, unless the app's hook does not let it through; then it is settled.
    func append(_ request: borrowing TrackedRequest, sequence: UInt64, to batch: inout EventBatch) {
        let receivedAt = request.receivedAt
        let queueBytes = request.approximateBytes
        if let hook {
            guard let changed = apply(hook, to: request) else { return }
            batch.append(sequence: sequence, receivedAt: receivedAt, queueBytes: queueBytes) {
                encoder.encode(changed, to: &$0)
            }
        } else {
            batch.append(sequence: sequence, receivedAt: receivedAt, queueBytes: queueBytes) {
                encoder.encode(request, to: &$0)
            }
        }
    }

    private func apply(_ hook: BeforeSend, to request: borrowing TrackedRequest) -> TrackedRequest? {
        switch hook.apply(to: copy request) {
        case .send(let changed): return changed
        case .drop(let reason):
            pipeline.settleDropped(reason, 1, bytes: request.approximateBytes)
            return nil
        }
    }
}
