import SparrowCore

/// Removes a group's channels one after the other, always the one whose loss costs the layers that
/// read it the least after their best repair.
///
/// For a reader with weights W and products of inputs H = sum x x^T, dropping the columns S of a
/// channel and solving for the others adds `tr(W_S ([H^-1]_SS)^-1 W_S^T)` to the squared error of its
/// outputs; the update of W and H^-1 is that of Optimal Brain Surgeon for a block. (Structured OBS:
/// Frantar and Alistarh, arXiv 2208.11580, section 4; Kurtic et al., ZipLM, arXiv 2302.04089, section 3.)
/// Losses are relative to the reader's output energy, so that those of all readers add up.
struct ChannelElimination {
  /// What one group of a reading layer sees.
  struct Reader {
    var weights: Matrix
    var inverse: Matrix
    /// The columns of each channel; none where it is not read here.
    var columns: [[Int]]
    /// 1 over the energy of the layer's outputs.
    var scale: Double

    /// nil where `hessian` is not positive definite.
    init?(weights: Matrix, hessian: Matrix, columns: [[Int]], scale: Double) {
      guard let factor = Cholesky(hessian) else { return nil }
      (self.weights, self.columns, self.scale) = (weights, columns, scale)
      inverse = factor.inverse()
    }
  }

  private(set) var readers: [Reader]
  private let count: Int

  init(_ readers: [Reader], channels: Int) {
    self.readers = readers
    count = channels
  }

  /// Scores that order the channels as they go: of the first `most` the loss when they went, never
  /// less than that of one before; of the others what theirs would add.
  mutating func scores(removing most: Int) -> [Double] {
    var scores = [Double](repeating: 0, count: count)
    var left = Array(0..<count)
    var level = 0.0
    for _ in 0..<min(most, count) {
      let losses = left.map { loss(of: $0) }
      guard let place = losses.indices.min(by: { losses[$0] < losses[$1] }) else { break }
      let channel = left.remove(at: place)
      level = max(level.nextUp, losses[place])
      scores[channel] = level
      for i in readers.indices { readers[i].eliminate(channel) }
    }
    for channel in left { scores[channel] = max(level.nextUp, loss(of: channel)) }
    return scores
  }

  func loss(of channel: Int) -> Double {
    readers.reduce(0) { $0 + $1.scale * $1.loss(of: channel) }
  }
}

extension ChannelElimination.Reader {
  /// What the channel's loss adds to the squared error.
  func loss(of channel: Int) -> Double {
    let s = columns[channel]
    if s.count == 1 { return loss(ofColumn: s[0]) }
    guard let factor = block(s) else { return 0 }
    var sum = 0.0
    for row in 0..<weights.rows {
      let part = s.map { weights[row, $0] }
      guard part.contains(where: { $0 != 0 }) else { continue }
      let solved = factor.solve(part)
      for i in part.indices { sum += part[i] * solved[i] }
    }
    return max(0, sum)
  }

  /// The same where a channel is one column, as everywhere in 1x1 convolutions: no system to solve.
  private func loss(ofColumn column: Int) -> Double {
    let diagonal = inverse[column, column]
    guard diagonal > 0 else { return 0 }
    var sum = 0.0
    for row in 0..<weights.rows { sum += weights[row, column] * weights[row, column] }
    return sum / diagonal
  }

  private func block(_ s: [Int]) -> Cholesky? {
    s.isEmpty ? nil : Cholesky(inverse.submatrix(s))
  }

  /// Drops the channel's columns and repairs the others.
  mutating func eliminate(_ channel: Int) {
    let s = columns[channel]
    guard let factor = block(s) else { return }
    let d = inverse.rows
    var rows = Matrix(rows: s.count, columns: d)
    for (i, column) in s.enumerated() {
      for j in 0..<d { rows[i, j] = inverse[column, j] }
    }
    var part = Matrix(rows: weights.rows, columns: s.count)
    for row in 0..<weights.rows {
      for (i, column) in s.enumerated() { part[row, i] = weights[row, column] }
    }
    weights.add(product: factor.solve(rows: part), by: rows, factor: -1)
    var across = Matrix(rows: d, columns: s.count)
    for j in 0..<d {
      for i in s.indices { across[j, i] = rows[i, j] }
    }
    inverse.add(product: factor.solve(rows: across), by: rows, factor: -1)
    for column in s {
      for row in 0..<weights.rows { weights[row, column] = 0 }
      for j in 0..<d { (inverse[column, j], inverse[j, column]) = (0, 0) }
      inverse[column, column] = 1
    }
  }
}
