/// Scaled dot-product attention in float64, which the attention operators share.
///
/// q `[B,N,L,D]`, k `[B,M,S,D]`, v `[B,M,S,E]`.
struct HeadAttention {
  var (batch, queryHeads, keyHeads): (Int, Int, Int)
  var (queries, keys, headSize, valueSize): (Int, Int, Int, Int)
  var (q, k, v): ([Double], [Double], [Double])
  var scale: Double
  var softcap = 0.0
  /// What is added to the score of item b, head h, query i and key j; -infinity masks it.
  var bias: (_ b: Int, _ h: Int, _ i: Int, _ j: Int) -> Double
  /// What each head's softmax counts besides the keys: nil for nothing.
  var sink: ((_ head: Int) -> Double)?

  /// Scores at their four stages.
  enum Stage: Int { case raw, capped, masked, softmax }

  /// Y `[B,N,L,E]`, and with a stage the scores there `[B,N,L,S]`.
  func run(stage: Stage? = nil) -> (y: [Double], scores: [Double]) {
    var y = [Double](repeating: 0, count: batch * queryHeads * queries * valueSize)
    var kept: [Double] = []
    var row = [Double](repeating: 0, count: keys)
    let shared = queryHeads / Swift.max(keyHeads, 1)
    for b in 0..<batch {
      for h in 0..<queryHeads {
        let keyed = b * keyHeads + h / Swift.max(shared, 1)
        for i in 0..<queries {
          let query = (b * queryHeads + h) * queries + i
          scores(query, keyed, &row)
          if stage == .raw { kept += row }
          if softcap > 0 { for j in row.indices { row[j] = softcap * Math.tanh(row[j] / softcap) } }
          if stage == .capped { kept += row }
          mask(b, h, i, &row, &kept, stage)
          if stage == .softmax { kept += row }
          for j in 0..<keys where row[j] != 0 {
            for e in 0..<valueSize {
              y[query * valueSize + e] += row[j] * v[(keyed * keys + j) * valueSize + e]
            }
          }
        }
      }
    }
    return (y, kept)
  }

  private func scores(_ query: Int, _ keyed: Int, _ row: inout [Double]) {
    for j in 0..<keys {
      var sum = 0.0
      for d in 0..<headSize {
        sum += q[query * headSize + d] * k[(keyed * keys + j) * headSize + d]
      }
      row[j] = sum * scale
    }
  }

  /// Adds the bias and takes the softmax; where every key is masked the row is 0.
  private func mask(
    _ b: Int, _ h: Int, _ i: Int, _ row: inout [Double], _ kept: inout [Double], _ stage: Stage?
  ) {
    var isMasked = [Bool](repeating: false, count: keys)
    var largest = sink.map { $0(h) } ?? -.infinity
    for j in 0..<keys {
      let added = bias(b, h, i, j)
      isMasked[j] = added == -.infinity
      row[j] += added
      if !isMasked[j] { largest = row[j] > largest || row[j].isNaN ? row[j] : largest }
    }
    if stage == .masked { kept += row }
    var sum = sink.map { Math.exp($0(h) - largest) } ?? 0
    for j in 0..<keys {
      row[j] = isMasked[j] || row[j] == -.infinity ? 0 : Math.exp(row[j] - largest)
      sum += row[j]
    }
    if sum != 0 { for j in 0..<keys { row[j] /= sum } }
  }

  /// `[B,L,N*D]` as `[B,N,L,D]`.
  static func split(
    _ x: [Double], batch: Int, length: Int, heads: Int, size: Int
  ) -> [Double] {
    exchanged(x, batch, length, heads, size)
  }

  /// `[B,N,L,D]` as `[B,L,N*D]`.
  static func joined(
    _ x: [Double], batch: Int, heads: Int, length: Int, size: Int
  ) -> [Double] {
    exchanged(x, batch, heads, length, size)
  }

  /// `[B,P,Q,D]` as `[B,Q,P,D]`.
  private static func exchanged(
    _ x: [Double], _ batch: Int, _ rows: Int, _ columns: Int, _ size: Int
  ) -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(x.count)
    for b in 0..<batch {
      for column in 0..<columns {
        for row in 0..<rows {
          let first = ((b * rows + row) * columns + column) * size
          result += x[first..<(first + size)]
        }
      }
    }
    return result
  }

  /// `[P,S,D]` and `[P,T,D]` one after the other: `[P,S+T,D]`.
  static func appended(
    _ x: [Double], _ y: [Double], parts: Int
  ) -> [Double] {
    var result: [Double] = []
    let (a, b) = (x.count / Swift.max(parts, 1), y.count / Swift.max(parts, 1))
    for part in 0..<parts {
      result += x[(part * a)..<((part + 1) * a)]
      result += y[(part * b)..<((part + 1) * b)]
    }
    return result
  }
}
