import CLibrary
import DemoServer

TerminationSignal.prepare()
exit(DemoProgram.run(Array(CommandLine.arguments.dropFirst())))
