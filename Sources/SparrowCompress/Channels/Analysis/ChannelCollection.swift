import SparrowCore

/// Gathers the sets of atoms that an analysis left free into groups of channels.
struct ChannelCollection {
  private let graph: Graph
  /// The set of each atom that can be cut, numbered from 0; -1 for frozen ones.
  private let classes: [Int]
  private let classCount: Int
  private let atoms: AxisAtoms
  private let makers: [ChannelAnalysis.WeightAxis]
  private let readers: [ChannelAnalysis.WeightAxis]
  private let headAxes: [ValueAxis]

  init(_ analysis: inout ChannelAnalysis) {
    var numbers: [Int: Int] = [:]
    var classes = [Int](repeating: -1, count: analysis.atoms.count)
    for atom in classes.indices where !analysis.atoms.isFrozen(atom) {
      let root = analysis.atoms.root(atom)
      let number = numbers[root] ?? numbers.count
      numbers[root] = number
      classes[atom] = number
    }
    self.classes = classes
    classCount = numbers.count
    (graph, atoms) = (analysis.graph, analysis.atoms)
    (makers, readers, headAxes) = (analysis.makers, analysis.readers, analysis.headAxes)
  }

  /// The classes that stand on the same axes, with as many indices on each.
  func groups() -> [ChannelGroup] {
    var standing = [[Standing]](repeating: [], count: classCount)
    for i in graph.values.indices {
      for axis in 0..<atoms.rank(of: ValueID(i)) { add(ValueAxis(ValueID(i), axis), to: &standing) }
    }
    let made = touched(makers)
    let read = touched(readers)
    var members: [[AxisCount]: [Int]] = [:]
    var order: [[AxisCount]] = []
    for c in standing.indices where made[c] && read[c] {
      let signature = standing[c].map { AxisCount(place: $0.place, count: $0.indices.count) }
      if members[signature] == nil { order.append(signature) }
      members[signature, default: []].append(c)
    }
    var groups: [ChannelGroup] = []
    for signature in order {
      let channels = (members[signature] ?? []).map { standing[$0] }
      groups.append(group(channels, signature.map { $0.place }))
    }
    return groups.enumerated().sorted {
      (firstNode($0.element), $0.offset) < (firstNode($1.element), $1.offset)
    }.map { $0.element }
  }

  /// The indices of one class on one axis.
  private struct Standing {
    var place: ValueAxis
    var indices: [Int]
  }

  private struct AxisCount: Hashable {
    var place: ValueAxis
    var count: Int
  }

  private func firstNode(_ group: ChannelGroup) -> Int { group.makers.first?.node ?? 0 }

  private func add(_ place: ValueAxis, to standing: inout [[Standing]]) {
    guard let range = atoms[place] else { return }
    for (i, atom) in range.enumerated() where classes[atom] >= 0 {
      let c = classes[atom]
      if let last = standing[c].last, last.place == place {
        standing[c][standing[c].count - 1].indices.append(i)
      } else {
        standing[c].append(Standing(place: place, indices: [i]))
      }
    }
  }

  /// Which classes stand on one of the axes.
  private func touched(_ axes: [ChannelAnalysis.WeightAxis]) -> [Bool] {
    var result = [Bool](repeating: false, count: classCount)
    for axis in axes {
      for atom in atoms[axis.place] ?? 0..<0 where classes[atom] >= 0 {
        result[classes[atom]] = true
      }
    }
    return result
  }

  private func group(_ channels: [[Standing]], _ places: [ValueAxis]) -> ChannelGroup {
    let axes = places.enumerated().map { i, place in
      ChannelAxis(place: place, node: nil, indices: channels.map { $0[i].indices })
    }
    let byPlace = Dictionary(axes.map { ($0.place, $0) }, uniquingKeysWith: { first, _ in first })
    func used(_ weights: [ChannelAnalysis.WeightAxis]) -> [ChannelAxis] {
      weights.compactMap { weight in
        byPlace[weight.place].map {
          ChannelAxis(place: $0.place, node: weight.node, indices: $0.indices)
        }
      }
    }
    let (made, read) = (used(makers), used(readers))
    let first = made.first?.node
    let isHeads = headAxes.contains { byPlace[$0] != nil }
    return ChannelGroup(
      name: first.map { name(of: $0) } ?? "", kind: isHeads ? .heads : .channels,
      count: channels.count, makers: made, readers: read, axes: axes,
      entries: entries(Set(places.map { $0.value }), made, read))
  }

  private func name(of node: Int) -> String {
    let node = graph.nodes[node]
    return node.name.isEmpty ? node.outputs.first.map { graph[$0].name } ?? "" : node.name
  }

  private func entries(
    _ values: Set<ValueID>, _ made: [ChannelAxis], _ read: [ChannelAxis]
  ) -> [ChannelEntry] {
    let making = Set(made.compactMap { $0.node })
    let reading = Set(read.compactMap { $0.node })
    var entries: [ChannelEntry] = []
    for (i, node) in graph.nodes.enumerated() {
      let touches = (node.inputs.compactMap { $0 } + node.outputs).contains { values.contains($0) }
      guard touches else { continue }
      if reading.contains(i) { entries.append(ChannelEntry(node: i, role: .reads)) }
      if making.contains(i) {
        entries.append(ChannelEntry(node: i, role: .makes))
      } else if !reading.contains(i) {
        entries.append(ChannelEntry(node: i, role: .passes))
      }
    }
    return entries
  }
}
