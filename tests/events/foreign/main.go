// Stranger checks what Yinqiao signs and proves with code that is not Yinqiao's:
// Go's checksum database (golang.org/x/mod/sumdb) and the formats library of
// transparency-dev. It reads a JSON list of requests and writes one answer for each.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/transparency-dev/formats/log"
	cosignature "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

type request struct {
	Check  string // which of the checks below
	Note   string
	Origin string
	Keys   []string // vkeys, or signer keys when signing
	Text   string
	Size   int64
	Old    int64
	Index  int64
	Root   []byte
	Past   []byte // root of the tree of size Old
	Leaf   []byte
	Leaves [][]byte
	Proof  [][]byte
	Tiles  map[string][]byte // by path, entry bundles too
}

type answer struct {
	Error string   `json:"error"`
	Text  string   `json:"text"`
	Names []string `json:"names"`
	Times []int64  `json:"times"`
	Size  uint64   `json:"size"`
	Root  []byte   `json:"root"`
	Proof [][]byte `json:"proof"`
}

func main() {
	var requests []request
	if err := json.NewDecoder(os.Stdin).Decode(&requests); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	answers := make([]answer, len(requests))
	for i, r := range requests {
		if err := check(r, &answers[i]); err != nil {
			answers[i].Error = err.Error()
		}
	}
	json.NewEncoder(os.Stdout).Encode(answers)
}

func check(r request, a *answer) error {
	switch r.Check {
	case "note":
		return openNote(r, a, note.NewVerifier)
	case "cosignature":
		return openNote(r, a, cosignature.NewVerifierForCosignatureV1)
	case "checkpoint":
		return openCheckpoint(r, a)
	case "sign":
		return sign(r, a)
	case "inclusion":
		return tlog.CheckRecord(hashes(r.Proof), r.Size, hash(r.Root), r.Index, hash(r.Leaf))
	case "consistency":
		return tlog.CheckTree(hashes(r.Proof), r.Size, hash(r.Root), r.Old, hash(r.Past))
	case "prove":
		return prove(r, a)
	case "tiles":
		return readTiles(r)
	case "proof":
		return openProof(r, a)
	}
	return fmt.Errorf("no check is called %q", r.Check)
}

func openNote(r request, a *answer, parse func(string) (note.Verifier, error)) error {
	var verifiers []note.Verifier
	for _, key := range r.Keys {
		verifier, err := parse(key)
		if err != nil {
			return err
		}
		verifiers = append(verifiers, verifier)
	}
	n, err := note.Open([]byte(r.Note), note.VerifierList(verifiers...))
	if err != nil {
		return err
	}
	a.Text = n.Text
	for _, signature := range n.Sigs {
		a.Names = append(a.Names, signature.Name)
		if when, err := cosignature.CoSigV1Timestamp(signature); err == nil {
			a.Times = append(a.Times, when.Unix())
		}
	}
	return nil
}

func openCheckpoint(r request, a *answer) error {
	verifier, err := note.NewVerifier(r.Keys[0])
	if err != nil {
		return err
	}
	checkpoint, rest, n, err := log.ParseCheckpoint([]byte(r.Note), r.Origin, verifier)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return errors.New("the checkpoint has extension lines")
	}
	a.Text, a.Size, a.Root = n.Text, checkpoint.Size, checkpoint.Hash
	return nil
}

func sign(r request, a *answer) error {
	var signers []note.Signer
	for _, key := range r.Keys {
		signer, err := note.NewSigner(key)
		if err != nil {
			return err
		}
		signers = append(signers, signer)
	}
	signed, err := note.Sign(&note.Note{Text: r.Text}, signers...)
	a.Text = string(signed)
	return err
}

// prove builds the tree of these leaf hashes and answers with its root and a
// consistency proof (Old > 0) or an inclusion proof (Old = 0).
func prove(r request, a *answer) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for i, leaf := range r.Leaves {
		added, err := tlog.StoredHashesForRecordHash(int64(i), hash(leaf), reader)
		if err != nil {
			return err
		}
		stored = append(stored, added...)
	}
	root, err := tlog.TreeHash(r.Size, reader)
	if err != nil {
		return err
	}
	a.Root = root[:]
	var proof []tlog.Hash
	if r.Old > 0 {
		proof, err = tlog.ProveTree(r.Size, r.Old, reader)
	} else {
		proof, err = tlog.ProveRecord(r.Size, r.Index, reader)
	}
	for _, h := range proof {
		a.Proof = append(a.Proof, append([]byte(nil), h[:]...))
	}
	return err
}

// openProof reads a .tlog-proof file (in Text) and checks it for the record in
// Leaf (its bytes) under the log's key; what it would write must be the same.
func openProof(r request, a *answer) error {
	var p proof.TLogProof
	if err := p.Unmarshal([]byte(r.Text)); err != nil {
		return err
	}
	if !bytes.Equal(p.Marshal(), []byte(r.Text)) {
		return errors.New("the proof is written in another way")
	}
	r.Note = string(p.Checkpoint)
	if err := openCheckpoint(r, a); err != nil {
		return err
	}
	var path []tlog.Hash
	for _, h := range p.Hashes {
		path = append(path, tlog.Hash(h))
	}
	return tlog.CheckRecord(path, int64(a.Size), hash(a.Root), int64(p.Index), tlog.RecordHash(r.Leaf))
}

// readTiles lets Go's own tile reader prove every leaf hash up to the root, and
// compares the records in the bundles with them.
func readTiles(r request) error {
	reader := tlog.TileHashReader(tlog.Tree{N: r.Size, Hash: hash(r.Root)}, tiles(r.Tiles))
	var indexes []int64
	for i := int64(0); i < r.Size; i++ {
		indexes = append(indexes, tlog.StoredHashIndex(0, i))
	}
	leaves, err := reader.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for n := int64(0); n*256 < r.Size; n++ {
		width := min(256, r.Size-n*256)
		tile := tlog.Tile{H: tileHeight, L: -1, N: n, W: int(width)}
		if err := compare(r.Tiles[path(tile)], leaves[n*256:n*256+width]); err != nil {
			return fmt.Errorf("%s: %w", path(tile), err)
		}
	}
	return nil
}

func compare(bundle []byte, leaves []tlog.Hash) error {
	reader := bytes.NewReader(bundle)
	for i, leaf := range leaves {
		var length uint16
		if err := binary.Read(reader, binary.BigEndian, &length); err != nil {
			return err
		}
		record := make([]byte, length)
		if n, _ := reader.Read(record); n != int(length) {
			return errors.New("the bundle is too short")
		}
		if tlog.RecordHash(record) != leaf {
			return fmt.Errorf("record %d is another one", i)
		}
	}
	if reader.Len() > 0 {
		return errors.New("the bundle is too long")
	}
	return nil
}

type tiles map[string][]byte

func (t tiles) Height() int { return tileHeight }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, ok := t[path(tile)]
		if !ok {
			return nil, fmt.Errorf("%s is not served", path(tile))
		}
		found = append(found, data)
	}
	return found, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// path is the name in tlog-tiles, which has no height and says entries for data.
func path(tile tlog.Tile) string {
	return strings.Replace(strings.Replace(tile.Path(), "tile/8/", "tile/", 1), "/data/", "/entries/", 1)
}

func hash(raw []byte) tlog.Hash {
	h, err := tlog.ParseHash(base64.StdEncoding.EncodeToString(raw))
	if err != nil {
		panic(err)
	}
	return h
}

func hashes(raw [][]byte) []tlog.Hash {
	var list []tlog.Hash
	for _, item := range raw {
		list = append(list, hash(item))
	}
	return list
}
