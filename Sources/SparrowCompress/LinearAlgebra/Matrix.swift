import CLapack
import SparrowPasses

/// The system's linear algebra library.
enum LinearAlgebra {
  /// Loads it; products, factors and solves may be asked for after that only.
  static func load() throws(CompressError) {
    if let failure = cl_load() { throw .noLinearAlgebra(String(cString: failure)) }
  }
}

/// A dense matrix of float64, row-major.
public struct Matrix: Sendable, Equatable {
  public let rows: Int
  public let columns: Int
  /// `rows * columns` elements.
  public var elements: [Double]

  public init(rows: Int, columns: Int, repeating value: Double = 0) {
    (self.rows, self.columns) = (rows, columns)
    elements = [Double](repeating: value, count: rows * columns)
  }

  /// `elements.count` must be `rows * columns`.
  public init(rows: Int, columns: Int, elements: [Double]) {
    precondition(elements.count == rows * columns)
    (self.rows, self.columns, self.elements) = (rows, columns, elements)
  }

  public subscript(row: Int, column: Int) -> Double {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  /// One row.
  public func row(_ row: Int) -> ArraySlice<Double> {
    elements[row * columns..<(row + 1) * columns]
  }

  /// The diagonal of a square matrix.
  public var diagonal: [Double] { (0..<min(rows, columns)).map { self[$0, $0] } }

  public var isFinite: Bool { elements.allSatisfy { $0.isFinite } }

  /// The rows and columns `indices` of a square matrix.
  public func submatrix(_ indices: [Int]) -> Matrix {
    var result = Matrix(rows: indices.count, columns: indices.count)
    for (i, row) in indices.enumerated() {
      for (j, column) in indices.enumerated() {
        result.elements[i * indices.count + j] = elements[row * columns + column]
      }
    }
    return result
  }

  /// Copies the lower triangle of a square matrix to the upper one.
  public mutating func mirrorLowerTriangle() {
    let n = rows
    elements.withUnsafeMutableBufferPointer { a in
      // In squares that fit the first cache: a column walk alone would miss it at every step.
      let edge = 32
      for top in stride(from: 0, to: n, by: edge) {
        for left in stride(from: 0, through: top, by: edge) {
          for i in top..<min(n, top + edge) {
            for j in left..<min(i, left + edge) { a[j * n + i] = a[i * n + j] }
          }
        }
      }
    }
  }

  /// Adds `other`, of the same shape.
  public mutating func add(_ other: Matrix) {
    precondition(rows == other.rows && columns == other.columns)
    for i in elements.indices { elements[i] += other.elements[i] }
  }

  /// Adds X X^T to the lower triangle; X has as many rows as this matrix, `length` columns of which
  /// count, and rows `stride` elements apart.
  mutating func addGram(_ x: UnsafePointer<Double>, length: Int, stride: Int) {
    let n = Int32(rows)
    elements.withUnsafeMutableBufferPointer {
      guard let base = $0.baseAddress, length > 0 else { return }
      cl_add_gram(n, Int32(length), x, Int32(stride), base)
    }
  }

  /// Adds A B^T; A has this matrix's rows, B its columns, both `length` columns.
  mutating func addProduct(
    _ a: UnsafePointer<Double>, transposed b: UnsafePointer<Double>, length: Int, stride: Int
  ) {
    let (m, n) = (Int32(rows), Int32(columns))
    elements.withUnsafeMutableBufferPointer {
      guard let base = $0.baseAddress, length > 0, m > 0, n > 0 else { return }
      cl_add_product_transposed(
        m, n, Int32(length), a, Int32(stride), b, Int32(stride), base, n)
    }
  }

  /// The product of this matrix and `other`, shared out by rows.
  public func multiplied(by other: Matrix) -> Matrix {
    precondition(columns == other.rows)
    var result = Matrix(rows: rows, columns: other.columns)
    result.add(product: self, by: other)
    return result
  }

  /// Adds `factor` A B; pieces of rows are computed on all cores.
  mutating func add(product a: Matrix, by b: Matrix, factor: Double = 1) {
    precondition(a.rows == rows && b.columns == columns && a.columns == b.rows)
    let (pieces, rows, columns) = (min(rows, Parallel.workers), rows, columns)
    guard rows > 0, columns > 0, a.columns > 0 else { return }
    elements.withUnsafeMutableBufferPointer { c in
      nonisolated(unsafe) let c = c.baseAddress
      _ = Parallel.map(pieces) { piece in
        let first = piece * rows / pieces
        let count = (piece + 1) * rows / pieces - first
        a.elements.withUnsafeBufferPointer { left in
          b.elements.withUnsafeBufferPointer { right in
            guard let left = left.baseAddress, let right = right.baseAddress, let c else { return }
            cl_add_product(
              Int32(count), Int32(columns), Int32(a.columns), factor, left + first * a.columns,
              Int32(a.columns), right, Int32(columns), c + first * columns, Int32(columns))
          }
        }
      }
    }
  }
}
