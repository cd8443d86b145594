import SparrowCore

extension WeightCache {
  /// Remembers what the kernels that apply to a node's weight are estimated to take.
  func note(_ choice: SparsityChoice, of p: Preparation) {
    if tuning != .off, let use = ProductUse(p) { candidates.set(use, choice.candidates) }
  }

  /// The kernels that apply to a weight, the one the cost model chooses first; empty where it was
  /// never asked.
  func candidates(of use: ProductUse) -> [SparsityChoice.Candidate] {
    candidates.value(use) ?? []
  }

  /// The kernel that was decided on; nil leaves it to the cost model.
  func kernel(of use: ProductUse?) -> WeightKernel? {
    if let forced { return forced }
    return use.flatMap { decisions.value($0) }
  }

  func decide(_ kernel: WeightKernel, for use: ProductUse) { decisions.set(use, kernel) }

  /// Takes over what another cache packed of a weight, in the place of all that this one has of it.
  func replace(_ use: ProductUse, by other: WeightCache) {
    let home = home(of: use.tensor)
    home.panels.replace(use.tensor, by: other.panels)
    home.sparse.replace(use.tensor, by: other.sparse)
    home.vectors.replace(use.tensor, by: other.vectors)
  }
}

/// A tensor, by the memory that holds it.
struct TensorIdentity: Hashable {
  /// Kept, so that no other tensor can take over the address.
  private let region: Region
  private let offset: Int

  init(_ tensor: Tensor) {
    let bytes = tensor.storage.identifyingBytes
    (region, offset) = (bytes.region, bytes.offset)
  }

  static func == (a: TensorIdentity, b: TensorIdentity) -> Bool {
    a.region === b.region && a.offset == b.offset
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(region))
    hasher.combine(offset)
  }
}

/// A product with a constant weight, for shapes: what a choice of kernel is made for. The batch of a
/// convolution does not matter.
struct ProductUse: Hashable {
  let tensor: TensorIdentity
  private let input: [Int]
  private let output: [Int]

  /// nil where input 1 is no constant of float32.
  init?(_ p: Preparation) {
    guard let x = p.optional(0), let weight = p.optional(1)?.constant, weight.dtype == .float32,
      let y = p.outputs.first
    else { return nil }
    let leading = weight.shape.count > 2 ? 1 : 0
    tensor = TensorIdentity(weight)
    (input, output) = (Array(x.shape.dropFirst(leading)), Array(y.shape.dropFirst(leading)))
  }
}
