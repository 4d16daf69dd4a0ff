package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
)

type signPublicInput struct {
	VisitInput
	AssetID     core.AssetID `query:"asset_id" format:"uuid" doc:"A file below the shared folder; the shared file if left out" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	Disposition string       `query:"disposition" enum:"inline,attachment" default:"attachment" doc:"To show or to save. Types that can run script are always saved" example:"inline"`
}

func (h publicShareRoutes) sign(ctx context.Context, in *signPublicInput) (*signedURLOutput, error) {
	v, err := h.visit(ctx, in.VisitInput)
	if err != nil {
		return nil, err
	}
	return h.signed(ctx, v, in.AssetID, in.Disposition)
}

func (h publicShareRoutes) signed(ctx context.Context, v share.Visit, id core.AssetID, disposition string) (*signedURLOutput, error) {
	d, err := h.shares.Download(ctx, v, id, disposition == inline)
	switch {
	case err != nil:
		return nil, err
	case v.Quiet:
		return nil, quiet()
	}
	return &signedURLOutput{downloadBody{d.URL, d.FileName, d.ContentType, d.SizeBytes, d.ExpiresAt}}, nil
}

// resumeCookie is what a browser keeps while it downloads, to go on if it is
// cut off.
const resumeCookie = "coffer_download"

// DownloadInput names a file that a visitor wants to have.
type DownloadInput struct {
	VisitInput
	AssetIDInput
	Disposition string `query:"disposition" enum:"inline,attachment" default:"attachment" doc:"To show or to save. Types that can run script are always saved" example:"inline"`
	Range       string `header:"Range" hidden:"true"`
	Resume      string `cookie:"coffer_download" hidden:"true"`
}

type redirectOutput struct {
	Status   int
	Location string      `header:"Location" doc:"The signed URL" example:"https://files.example.com/blobs/a?signature=5f1c"`
	Cookie   http.Cookie `header:"Set-Cookie" doc:"For going on with the download without being counted again"`
}

func (h publicShareRoutes) download(ctx context.Context, in *DownloadInput) (*redirectOutput, error) {
	v, err := h.visit(ctx, in.VisitInput)
	if err != nil {
		return nil, err
	}
	return h.redirected(ctx, v, in)
}

// redirected leads to the bytes of a file.
func (h publicShareRoutes) redirected(ctx context.Context, v share.Visit, in *DownloadInput) (*redirectOutput, error) {
	if core.Continues(in.Range) {
		v.Resume = in.Resume
	}
	d, err := h.shares.Download(ctx, v, in.AssetID, in.Disposition == inline)
	switch {
	case err != nil:
		return nil, err
	case v.Quiet:
		return nil, quiet()
	}
	return &redirectOutput{http.StatusFound, d.URL, http.Cookie{ //nolint:gosec // without TLS, a Secure cookie would not come back
		Name: resumeCookie, Value: d.Resume, Path: requestOf(ctx).http.URL.Path, MaxAge: int(share.ResumeTTL.Seconds()),
		Secure: h.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}}, nil
}

type publicArchiveInput struct {
	VisitInput
	FolderID core.NodeID `query:"folder_id" format:"uuid" doc:"A folder below the one that is shared; that one if left out" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e16"`
}

func (h publicShareRoutes) archive(ctx context.Context, in *publicArchiveInput) (*archiveOutput, error) {
	v, err := h.visit(ctx, in.VisitInput)
	if err != nil {
		return nil, err
	}
	a, err := h.openArchive(ctx, v, in.FolderID)
	if err != nil {
		return nil, err
	}
	return archiveAnswerOf(ctx, a, h.timeout), nil
}

// openArchive counts a download of a folder, and returns what writes it. A link
// that ends while it is written ends it.
func (h publicShareRoutes) openArchive(ctx context.Context, v share.Visit, folder core.NodeID) (*drive.Archive, error) {
	sc, again, err := h.shares.Archive(ctx, v, folder)
	switch {
	case err != nil:
		return nil, err
	case v.Quiet:
		return nil, quiet()
	}
	if folder.IsZero() {
		folder = sc.Root
	}
	a, err := h.drives.OpenArchive(ctx, sc, folder, again)
	return a, share.Hidden(err)
}

func (h publicShareRoutes) mountUploads(api huma.API) {
	register(api, operation{
		id: "beginPublicUpload", method: http.MethodPost, path: publicPath + "/uploads", tag: tagPublic, public: true, status: http.StatusCreated,
		codes:   openCodes("share_not_a_request", "limit_exceeded", "conflict"),
		summary: "Send a file", about: "Reserves room for a file that a link of kind upload asks for, and says how to send its bytes. Counts a file. A file of the same name is left alone: this one gets another name, which is not told.",
	}, h.begin)
	register(api, operation{
		id: "signPublicUploadParts", method: http.MethodPost, path: publicPath + "/uploads/{asset_id}/parts", tag: tagPublic, public: true,
		codes:   openCodes("share_not_a_request", "upload_not_found", "upload_busy"),
		summary: "More upload URLs", about: "Signs further parts of an upload that was begun by this link, or parts whose URLs have expired; of a small file the one PUT again.",
	}, h.parts)
	register(api, operation{
		id: "completePublicUpload", method: http.MethodPost, path: publicPath + "/uploads/{asset_id}/complete", tag: tagPublic, public: true,
		codes:   openCodes("share_not_a_request", "upload_incomplete", "upload_busy", "upload_mismatch", "upload_not_found", "size_mismatch", "checksum_mismatch"),
		summary: "Complete a file",
		about:   "Checks the bytes that have arrived against what was declared. Only uploads that were begun by this link and its present token can be completed, with the upload_token that was answered then. Completing twice is no error.",
	}, h.complete)
}

type beginPublicInput struct {
	VisitInput
	Body struct {
		Name           string `json:"name" minLength:"1" maxLength:"255" doc:"What the file is called" example:"holiday.jpg"`
		ContentType    string `json:"content_type,omitempty" maxLength:"127" doc:"Its media type; application/octet-stream if left out" example:"image/jpeg"`
		SizeBytes      int64  `json:"size_bytes" minimum:"0" maximum:"5000000000000" doc:"Its exact size" example:"5000000"`
		ChecksumSHA256 string `json:"checksum_sha256,omitempty" pattern:"^[0-9a-fA-F]{64}$" doc:"Its SHA-256, in hexadecimal, to be checked on arrival" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	}
}

type begunBody struct {
	AssetID     core.AssetID `json:"asset_id" format:"uuid" doc:"Identifies the file" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	UploadToken string       `json:"upload_token" doc:"Proves that you have begun it" example:"AAAAAGn1c2E"`
	Upload      uploadBody   `json:"upload" doc:"How to send the bytes"`
}

type begunOutput struct{ Body begunBody }

func (h publicShareRoutes) begin(ctx context.Context, in *beginPublicInput) (*begunOutput, error) {
	v, err := h.visit(ctx, in.VisitInput)
	if err != nil {
		return nil, err
	}
	body := &in.Body
	created, ticket, err := h.receive(ctx, v, share.UploadInput{
		Name: body.Name, ContentType: body.ContentType, SizeBytes: body.SizeBytes, SHA256: body.ChecksumSHA256,
	})
	if err != nil {
		return nil, err
	}
	return &begunOutput{begunBody{created.Asset.ID, ticket, showPlan(created.Upload)}}, nil
}

// receive counts a file for a file request and reserves room for it. It returns
// how to send it, and the ticket to complete it by.
func (h publicShareRoutes) receive(ctx context.Context, v share.Visit, in share.UploadInput) (*asset.Created, string, error) {
	to, err := h.shares.BeginUpload(ctx, v, in)
	if err != nil {
		return nil, "", err
	}
	created, err := h.assets.Create(ctx, to.Actor, asset.CreateInput{
		OrgID: to.OrgID, DriveID: to.DriveID, ParentID: to.ParentID, Name: in.Name, ContentType: in.ContentType, SizeBytes: in.SizeBytes,
		SHA256: in.SHA256, OnConflict: asset.ConflictRename,
	})
	if err != nil {
		return nil, "", share.Hidden(err)
	}
	return created, h.shares.UploadTicket(to, created.Upload.Upload), nil
}

// UploadProof proves that an upload is the visitor's.
type UploadProof struct {
	UploadID    core.UploadID `json:"upload_id" format:"uuid" doc:"The upload" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e17"`
	UploadToken string        `json:"upload_token" maxLength:"200" doc:"What was answered when it was begun" example:"AAAAAGn1c2E"`
}

type partsPublicInput struct {
	VisitInput
	AssetIDInput
	Body struct {
		UploadProof
		From  int `json:"from,omitempty" minimum:"1" maximum:"10000" doc:"The first part; 1 if left out" example:"101"`
		Count int `json:"count,omitempty" minimum:"1" maximum:"1000" doc:"How many parts; 100 if left out" example:"100"`
	}
}

func (h publicShareRoutes) parts(ctx context.Context, in *partsPublicInput) (*planOutput, error) {
	v, err := h.visit(ctx, in.VisitInput)
	if err != nil {
		return nil, err
	}
	by, err := h.shares.CompleteUpload(ctx, v, in.AssetID, in.Body.UploadID, in.Body.UploadToken)
	if err != nil {
		return nil, err
	}
	plan, err := h.assets.Resume(ctx, by.Actor, in.AssetID, in.Body.From, in.Body.Count)
	if err != nil {
		return nil, share.Hidden(err)
	}
	return &planOutput{showPlan(plan)}, nil
}

type completePublicInput struct {
	VisitInput
	AssetIDInput
	Body struct {
		UploadProof
		Parts []PartInput `json:"parts,omitempty" maxItems:"10000" doc:"The parts as the client knows them; may be left out"`
	}
}

type receivedOutput struct {
	Body struct {
		AssetID   core.AssetID     `json:"asset_id" format:"uuid" doc:"Identifies the file" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
		SizeBytes int64            `json:"size_bytes" doc:"How many bytes have arrived" example:"5000000"`
		Status    core.AssetStatus `json:"status" enum:"ready" doc:"Always ready: all bytes have arrived" example:"ready"`
	}
}

func (h publicShareRoutes) complete(ctx context.Context, in *completePublicInput) (*receivedOutput, error) {
	v, err := h.visit(ctx, in.VisitInput)
	if err != nil {
		return nil, err
	}
	a, err := h.received(ctx, v, in.AssetID, in.Body.UploadToken, completed(in.Body.UploadID, in.Body.Parts))
	if err != nil {
		return nil, err
	}
	out := &receivedOutput{}
	out.Body.AssetID, out.Body.SizeBytes, out.Body.Status = a.Node.ID, a.SizeBytes, a.Status
	return out, nil
}

// received completes an upload that receive has begun, and tells the link's
// creator if they wish it.
func (h publicShareRoutes) received(
	ctx context.Context, v share.Visit, id core.AssetID, ticket string, done asset.CompleteInput,
) (*core.Asset, error) {
	by, err := h.shares.CompleteUpload(ctx, v, id, done.UploadID, ticket)
	if err != nil {
		return nil, err
	}
	a, err := h.assets.Complete(ctx, by.Actor, id, done)
	if err != nil {
		return nil, share.Hidden(err)
	}
	return a, h.shares.Uploaded(ctx, by, a)
}

// PartInput is a part as the client knows it.
type PartInput struct {
	Number int    `json:"number" minimum:"1" maximum:"10000" doc:"The part's number" example:"1"`
	ETag   string `json:"etag" maxLength:"200" doc:"What the PUT of the part answered, with or without quotes" example:"9f86d081884c7d65"`
}

// completed is the end of an upload as the use case takes it.
func completed(upload core.UploadID, parts []PartInput) asset.CompleteInput {
	done := asset.CompleteInput{UploadID: upload}
	for _, p := range parts {
		// Its type is the application's own business; its shape is all there is to know.
		done.Parts = append(done.Parts, struct {
			Number int
			Size   int64
			ETag   string
		}{Number: p.Number, ETag: strings.Trim(p.ETag, `"`)})
	}
	return done
}
