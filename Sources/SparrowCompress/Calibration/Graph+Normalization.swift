import SparrowCore

extension Graph {
  /// The network with a batch normalisation after every convolution that has none, as it was before
  /// somebody folded it into the weights: statistics are those of the data, scales and shifts undo them,
  /// so that nothing changes but that training has them to hold on to.
  ///
  /// Convolutions of single positions (squeeze and excitation, classifiers) stay as they are: over few
  /// samples their statistics say little.
  public func restoringBatchNormalization(
    _ run: CalibrationRun, _ settings: CalibrationSettings
  ) throws(CompressError) -> Graph {
    let batches = try Batches(run.data, of: self, most: settings.batch)
    let concrete = try specialized(to: batches)
    let folded = concrete.convolutionsWithoutNormalization()
    guard !folded.isEmpty else { return self }
    let budget = ActivationStore.Budget(limit: run.memory, folder: run.folder)
    let stream = ActivationStream(
      concrete, batches: batches.count, threads: run.threads, budget: budget)
    for batch in 0..<batches.count { try stream.begin(batches.inputs(batch), batch: batch) }
    var statistics: [ChannelStatistics] = []
    for i in folded {
      let (node, output) = (concrete.nodes[i], concrete.nodes[i].outputs[0])
      stream.hold(output, until: i + 1)
      try stream.advance(to: i + 1)
      let channels = concrete[output].type?.shape?[1] ?? 0
      statistics.append(try ChannelStatistics(stream, output, channels: channels))
      run.progress(
        CalibrationProgress(
          stage: node.name, fraction: Double(i) / Double(concrete.nodes.count)))
    }
    var result = self
    for (i, statistics) in zip(folded, statistics).reversed() {
      result.insertNormalization(after: i, statistics)
    }
    return result
  }

  /// Nodes that are convolutions over several positions whose outputs no batch normalisation reads.
  private func convolutionsWithoutNormalization() -> [Int] {
    let readers = consumers()
    return nodes.indices.filter { i in
      guard case .conv = nodes[i].op, let output = nodes[i].outputs.first,
        let type = self[output].type, type.dtype == .float32, let shape = type.shape,
        shape.count > 2, shape.dropFirst(2).contains(where: { $0 > 1 })
      else { return false }
      return !readers[output.index].contains { reader in
        if case .batchNormalization = nodes[reader].op { true } else { false }
      }
    }
  }

  /// Pattern: conv(x) -> batchNormalization(conv(x)), which gives the same.
  private mutating func insertNormalization(after i: Int, _ statistics: ChannelStatistics) {
    guard let output = nodes[i].outputs.first else { return }
    let (name, op) = (nodes[i].name, BatchNormalization())
    let deviations = statistics.variances.map { ($0 + Double(op.epsilon)).squareRoot() }
    let constants = [
      ("weight", deviations), ("bias", statistics.means), ("running_mean", statistics.means),
      ("running_var", statistics.variances),
    ].map { part, values in
      addConstant(
        unusedName("\(name).norm.\(part)"), Tensor(.float32, [values.count], doubles: values))
    }
    let normalized = addValue(unusedName("\(name).norm"), self[output].type)
    guard replaceUses(of: output, with: normalized) else { return }
    let node = Node(
      name: self[normalized].name, op: .batchNormalization(op), inputs: [output] + constants,
      outputs: [normalized])
    nodes.insert(node, at: i + 1)
  }
}
