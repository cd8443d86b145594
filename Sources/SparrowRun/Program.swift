import CPlatform
import SparrowCore
import SparrowFiles
import SparrowHost
import SparrowRuntime

/// One call of the program.
struct Program {
  private let words: [String]

  init(_ words: [String]) { self.words = words }

  func run() throws(RunFailure) {
    let carried = try CarriedModel.find()
    switch try OptionsReader.read(words.dropFirst(), hasModel: carried != nil) {
    case .text(let text): try Console.say(text)
    case .run(let options):
      let name = options.model ?? carried?.name ?? ""
      let graph = try Self.graph(name, carried)
      switch options.mode {
      case .describe: try Description.show(graph, name)
      case .run: try SingleRun(graph, name, options).run()
      case .benchmark: try BenchmarkRun(graph, name, options).run()
      case .stream: try StreamRun(graph, name, options).run()
      }
    }
  }

  private static func graph(
    _ name: String, _ carried: CarriedModel?
  ) throws(RunFailure) -> Graph {
    do throws(ContainerError) {
      if let carried { return try Container.read(bytes: carried.bytes, file: carried.name) }
      return try Container.read(path: name)
    } catch {
      throw RunFailure(error.message)
    }
  }
}

/// A model with a session, and what it is run on.
struct Prepared {
  let graph: Graph
  let name: String
  let session: Session

  init(_ graph: Graph, _ name: String, _ options: Options) throws(RunFailure) {
    let settings = SessionOptions(
      threads: options.threads, tuning: options.tuning,
      skipsClosedChannels: options.skipsClosedChannels)
    session = try Attempt.runtime(name) { () throws(RuntimeError) in
      try Session(graph, options: settings)
    }
    var graph = graph
    // The session has what it needs.
    graph.dropConstants()
    (self.graph, self.name) = (graph, name)
  }

  func run(_ inputs: [Tensor]) throws(RunFailure) -> [Tensor] {
    try Attempt.runtime(name) { () throws(RuntimeError) in try session.run(inputs) }
  }
}
