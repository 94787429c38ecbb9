import CPlatform

/// The delivery thread's whole life.
enum DeliveryThread {
    static func run(
        _ configuration: TrackerConfiguration, _ transport: any EventTransport, _ mailbox: Mailbox, _ log: TrackerLog
    ) {
        // Most of what is used is made with its first use, under locks that a fork does not know.
        cplatform_hold_forks()
        let loop = DeliveryLoop(configuration: configuration, transport: transport, mailbox: mailbox, log: log)
        var goesOn = loop.turn()
        cplatform_release_forks()
        while goesOn { goesOn = loop.turn() }
        loop.end()
    }
}
