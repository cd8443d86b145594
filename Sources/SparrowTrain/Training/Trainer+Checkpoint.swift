import SparrowCore

extension Trainer {
  private static var version: Int64 { 2 }

  /// Keeps everything that the run needs to go on from here.
  func save() throws(TrainError) {
    guard let store = run.checkpoints else { return }
    var state = [("version", Tensor([Self.version]))]
    state.append(("signature", Tensor(Array(run.signature.utf8))))
    state += context.checkpoint()
    let numbers = [
      sums.loss, Double(sums.correct), Double(sums.known), sums.macs, sums.seconds,
    ]
    state.append(("sums", Tensor(numbers)))
    let rows = history.flatMap { $0.columns.map { $0.value ?? .nan } }
    let width = history.isEmpty ? 0 : rows.count / history.count
    state.append(("history", Tensor(rows, shape: [history.count, width])))
    state += method.checkpoint().map { ("method." + $0.0, $0.1) }
    try store.save(state)
  }

  /// Goes on from the last checkpoint; false where there is none.
  func restore() throws(TrainError) -> Bool {
    guard let store = run.checkpoints, let state = try store.load() else { return false }
    let reader = CheckpointReader(state: state)
    guard try reader.integers("version", count: 1) == [Int(Self.version)] else {
      throw .checkpoint("the checkpoint is of another version: train from the beginning")
    }
    let signature = try reader.tensor("signature", .uint8)
    guard signature.integers == run.signature.utf8.map({ Int($0) }) else {
      throw .checkpoint(
        "the checkpoint is of another network, data or settings: remove it to train from the "
          + "beginning, or name another one")
    }
    try context.restore(reader)
    let numbers = try reader.doubles("sums", count: 5)
    guard let correct = Int(exactly: numbers[1]), let known = Int(exactly: numbers[2]) else {
      throw .checkpoint("the checkpoint's 'sums' are no counts: it is damaged")
    }
    sums = EpochSums(
      loss: numbers[0], correct: correct, known: known, macs: numbers[3], seconds: numbers[4])
    try restoreHistory(try reader.tensor("history", .float64))
    try method.restore(context, reader.part("method."))
    return true
  }

  private func restoreHistory(_ table: Tensor) throws(TrainError) {
    guard table.rank == 2 else { throw .checkpoint("the checkpoint's history is no table") }
    let values = table.doubles
    let width = table.shape[1]
    history = []
    for row in 0..<table.shape[0] {
      guard let metrics = EpochMetrics(values[row * width..<(row + 1) * width]) else {
        throw .checkpoint("the checkpoint's history is damaged in epoch \(row + 1)")
      }
      history.append(metrics)
    }
  }
}
