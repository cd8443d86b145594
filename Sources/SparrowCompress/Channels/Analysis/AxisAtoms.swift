import SparrowCore

/// One axis of a graph's value.
public struct ValueAxis: Hashable, Sendable {
  public var value: ValueID
  public var axis: Int
  public init(_ value: ValueID, _ axis: Int) { (self.value, self.axis) = (value, axis) }
}

/// One atom an index of every value's axes, in sets of atoms that can only be cut together.
///
/// Union-find, by size and with halved paths. A set is frozen when one of its atoms must stay. Axes
/// of open length, and those longer than ``longestAxis``, have no atoms: what is bound to them stays.
struct AxisAtoms {
  /// Images and vocabularies are shorter; longer axes are data, not channels.
  static var longestAxis: Int { 1 << 20 }
  /// All axes of a graph; those beyond have no atoms.
  static var mostAtoms: Int { 1 << 26 }

  /// The first atom and length of each axis, by value and axis; nil where it has no atoms.
  private let ranges: [[Range<Int>?]]
  private var parents: [Int32]
  private var sizes: [Int32]
  private var frozen: [Bool]

  init(_ graph: Graph) {
    var next = 0
    ranges = graph.values.map { value in
      (value.type?.dimensions ?? []).map { dimension in
        guard let length = dimension.value, length <= Self.longestAxis,
          next + length <= Self.mostAtoms
        else { return nil }
        defer { next += length }
        return next..<next + length
      }
    }
    parents = (0..<next).map { Int32($0) }
    sizes = [Int32](repeating: 1, count: next)
    frozen = [Bool](repeating: false, count: next)
  }

  var count: Int { parents.count }

  /// The number of axes that have a rank, with or without atoms.
  func rank(of value: ValueID) -> Int { ranges[value.index].count }

  /// The atoms of an axis; nil where it has none.
  subscript(_ place: ValueAxis) -> Range<Int>? {
    let axes = ranges[place.value.index]
    return axes.indices.contains(place.axis) ? axes[place.axis] : nil
  }

  /// The atom that stands for its set.
  mutating func root(_ atom: Int) -> Int {
    var i = atom
    while Int(parents[i]) != i {
      parents[i] = parents[Int(parents[i])]
      i = Int(parents[i])
    }
    return i
  }

  mutating func unite(_ a: Int, _ b: Int) {
    var (x, y) = (root(a), root(b))
    guard x != y else { return }
    if sizes[x] < sizes[y] { swap(&x, &y) }
    parents[y] = Int32(x)
    sizes[x] += sizes[y]
    frozen[x] = frozen[x] || frozen[y]
  }

  mutating func freeze(_ atom: Int) { frozen[root(atom)] = true }

  mutating func isFrozen(_ atom: Int) -> Bool { frozen[root(atom)] }

  /// Freezes an axis whole.
  mutating func freeze(_ place: ValueAxis) {
    for atom in self[place] ?? 0..<0 { freeze(atom) }
  }

  /// Whether no index of an axis is frozen yet; false where it has no atoms.
  mutating func isFree(_ place: ValueAxis) -> Bool {
    guard let atoms = self[place] else { return false }
    for atom in atoms where isFrozen(atom) { return false }
    return true
  }

  /// Binds index i of one axis to index i of the other. Where one has no atoms or the lengths differ
  /// the other is frozen.
  mutating func bind(_ a: ValueAxis, _ b: ValueAxis) {
    guard let first = self[a], let second = self[b], first.count == second.count else {
      freeze(a)
      freeze(b)
      return
    }
    for (i, j) in zip(first, second) { unite(i, j) }
  }
}
