import SparrowCore

extension ChannelAnalysis {
  /// Reshape, where its target can be written anew once lengths have changed.
  mutating func visit(_ op: Reshape, _ node: Node) {
    guard shapes.target(of: node, in: graph) != nil else { return freeze(node) }
    visitRegrouping(node)
  }

  /// Operators that keep the order of elements and change the axes they are counted by.
  mutating func visitRegrouping(_ node: Node) {
    guard let x = node.input(0), let output = node.outputs.first, let from = dimensions(x),
      let to = dimensions(output)
    else { return freeze(node) }
    let match = AxisMatch(from, to)
    for axis in match.unmatchedSources { atoms.freeze(ValueAxis(x, axis)) }
    for axis in match.unmatchedTargets { atoms.freeze(ValueAxis(output, axis)) }
    for (sources, targets) in match.pairs {
      let a = sources.map { ValueAxis(x, $0) }
      let b = targets.map { ValueAxis(output, $0) }
      switch (a.count, b.count) {
      case (1, 1): atoms.bind(a[0], b[0])
      case (1, _): merges.append(AxisMerge(whole: a[0], parts: b))
      case (_, 1): merges.append(AxisMerge(whole: b[0], parts: a))
      default: (a + b).forEach { atoms.freeze($0) }
      }
    }
  }

  /// Binds a merged axis to the first of its parts that is free, and freezes the other parts: of
  /// channels x rows x columns the channels, of heads x size the heads.
  mutating func bind(_ merge: AxisMerge) {
    let lengths = merge.parts.compactMap { atoms[$0]?.count }
    guard let whole = atoms[merge.whole], lengths.count == merge.parts.count,
      lengths.checkedElementCount == whole.count, atoms.isFree(merge.whole),
      let chosen = merge.parts.indices.first(where: { atoms.isFree(merge.parts[$0]) }),
      let part = atoms[merge.parts[chosen]]
    else { return ([merge.whole] + merge.parts).forEach { atoms.freeze($0) } }
    let inner = lengths[(chosen + 1)...].reduce(1, *)
    for (i, atom) in whole.enumerated() {
      atoms.unite(atom, part.lowerBound + i / inner % part.count)
    }
    for other in merge.parts.indices where other != chosen { atoms.freeze(merge.parts[other]) }
  }
}

/// How the axes of a tensor correspond to those of the same elements in another shape.
///
/// Axes are matched from the front and then from the back, in the smallest runs of equal product:
/// `[n, 12, 3, 8]` to `[n, 36, 2, 4]` is n to n, 12 x 3 to 36, and 8 to 2 x 4. Axes of length 1 are
/// left out. What lies between lengths that are not known is unmatched.
struct AxisMatch {
  var pairs: [(sources: [Int], targets: [Int])] = []
  var unmatchedSources: [Int] = []
  var unmatchedTargets: [Int] = []

  init(_ from: [Dimension], _ to: [Dimension]) {
    var sources = from.indices.filter { from[$0] != .known(1) }
    var targets = to.indices.filter { to[$0] != .known(1) }
    match(&sources, &targets, from, to)
    var (backSources, backTargets) = (Array(sources.reversed()), Array(targets.reversed()))
    let front = pairs.count
    match(&backSources, &backTargets, from, to)
    for i in front..<pairs.count {
      pairs[i] = (pairs[i].sources.reversed(), pairs[i].targets.reversed())
    }
    (unmatchedSources, unmatchedTargets) = (backSources, backTargets)
  }

  /// Takes matching runs off the front of both lists while lengths are known or equal.
  private mutating func match(
    _ sources: inout [Int], _ targets: inout [Int], _ from: [Dimension], _ to: [Dimension]
  ) {
    while let s = sources.first, let t = targets.first {
      if from[s] == to[t], from[s] != .unknown {
        pairs.append(([s], [t]))
        sources.removeFirst()
        targets.removeFirst()
        continue
      }
      guard let run = run(sources.map { from[$0].value }, targets.map { to[$0].value }) else {
        return
      }
      pairs.append((Array(sources.prefix(run.0)), Array(targets.prefix(run.1))))
      sources.removeFirst(run.0)
      targets.removeFirst(run.1)
    }
  }

  /// The shortest beginnings of equal product.
  private func run(_ a: [Int?], _ b: [Int?]) -> (Int, Int)? {
    guard var left = a.first ?? nil, var right = b.first ?? nil, left > 0, right > 0 else {
      return nil
    }
    var (i, j) = (1, 1)
    while left != right {
      let takesLeft = left < right
      guard let factor = takesLeft ? (i < a.count ? a[i] : nil) : (j < b.count ? b[j] : nil)
      else { return nil }
      let (product, overflow) = (takesLeft ? left : right).multipliedReportingOverflow(by: factor)
      guard !overflow, product > 0 else { return nil }
      if takesLeft {
        (left, i) = (product, i + 1)
      } else {
        (right, j) = (product, j + 1)
      }
    }
    return (i, j)
  }
}
