import SparrowCore

/// A graph with two streams of the same parameters.
struct TwoStreams {
  /// Its inputs are the first stream's and then the second's; its outputs the first output of each.
  var graph: Graph
  /// Running statistics of the second stream, and those of the first that they start as.
  var statistics: [(own: ValueID, second: ValueID)]
}

extension Graph {
  /// Appends the network once more, its gates open for good, for a second view of the samples. It has
  /// the same parameters, and running statistics of its own in the place of `running`.
  func withSecondStream(_ running: [ValueID]) throws(TrainError) -> TwoStreams {
    guard let output = outputs.first else { throw .network("the graph has no output") }
    var (graph, map) = (self, [ValueID: ValueID]())
    graph.outputs = [output]
    graph.removeDeadNodes()
    let stream = graph.nodes
    let gates = Dictionary(
      uniqueKeysWithValues: graph.channelGates().map { ($0.node, $0) })
    for id in inputs {
      guard let type = self[id].type else {
        throw .network("the type of '\(self[id].name)' is not known")
      }
      map[id] = graph.addInput(graph.unusedName("\(self[id].name).second"), type)
    }
    for id in running {
      guard let constant = self[id].constant else { continue }
      map[id] = graph.addConstant(graph.unusedName("\(self[id].name).second"), constant)
    }
    for (i, node) in stream.enumerated() {
      if let gate = gates[i] {
        map[gate.gated] = map[gate.hidden] ?? gate.hidden
        continue
      }
      var copy = node
      copy.name += ".second"
      copy.inputs = node.inputs.map { $0.map { map[$0] ?? $0 } }
      copy.outputs = node.outputs.map { id in
        let made = graph.addValue(graph.unusedName("\(self[id].name).second"), self[id].type)
        map[id] = made
        return made
      }
      graph.nodes.append(copy)
    }
    graph.outputs = [output, map[output] ?? output]
    graph.removeDeadNodes()
    let read = Set(graph.nodes.flatMap { $0.inputs.compactMap { $0 } })
    let statistics = running.compactMap { own in
      map[own].flatMap { read.contains($0) ? (own, $0) : nil }
    }
    return TwoStreams(graph: graph, statistics: statistics)
  }
}
