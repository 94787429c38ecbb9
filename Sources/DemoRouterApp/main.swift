import DemoServer

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

TerminationSignal.prepare()
exit(DemoProgram.run(Array(CommandLine.arguments.dropFirst())))
